package import FoundationEssentials
package import Postgres
package import WorkOrders

/// One attempt of a workflow's run.
package struct WorkflowRun: Sendable, Equatable {
    package let workflow: String
    package let runID: Int64
    package let attempt: Int32
    /// GitHub's word: `success`, `failure`, `cancelled`, …
    package let conclusion: String

    package init(workflow: String, runID: Int64, attempt: Int32 = 1, conclusion: String) {
        self.workflow = workflow
        self.runID = runID
        self.attempt = attempt
        self.conclusion = conclusion
    }
}

/// The commit an order is to be judged by, with all that ran for it.
package struct CICommit: Sendable {
    package let workOrderID: UUID
    /// The attempt that is judged.
    package let token: Int64
    /// Its deadline has passed.
    package let isOverdue: Bool
    package let repository: String?
    package let pullRequest: Int32
    /// Nil while nothing has run.
    package let headSHA: String?
    /// The older first.
    package fileprivate(set) var runs: [WorkflowRun] = []
}

/// A verdict to be carried out.
package struct CIDecision: Sendable {
    /// By the words of `moose.apply_ci_verdicts`.
    package enum Verdict: String, Sendable {
        /// The order is completed.
        case passed
        /// The order fails.
        case failed
        /// A person decides; the order stays.
        case unclear
    }

    package let commit: CICommit
    package let verdict: Verdict
    package let failureClass: FailureClass?
    package let message: String?
    /// A JSON object for the order's metadata.
    package let facts: String

    package init(
        commit: CICommit, verdict: Verdict, failureClass: FailureClass?, message: String?, facts: String
    ) {
        self.commit = commit
        self.verdict = verdict
        self.failureClass = failureClass
        self.message = message
        self.facts = facts
    }
}

extension Store {
    /// Keeps the end of a workflow's run. Returns false, and changes nothing, for a delivery that was taken before.
    package func receiveWorkflowRun(
        delivery: String, repository: String, pullRequests: [Int32], run: Int64, attempt: Int32, workflow: String,
        headSHA: String, conclusion: String, url: String?
    ) async throws(PostgresError) -> Bool {
        try await postgres.value(
            """
            SELECT moose.receive_workflow_run(
                \(delivery), \(repository), \(pullRequests), \(run), \(attempt), \(workflow), \(headSHA),
                \(conclusion), \(url))
            """)
    }

    /// What can be judged now; see `moose.ci_results`.
    package func ciResults(deadline: Duration) async throws(PostgresError) -> [CICommit] {
        let rows = try await postgres.run(
            """
            SELECT work_order_id, overdue, repository, pull_request, head_sha, workflow, run_id, run_attempt, conclusion,
                   token
            FROM moose.ci_results(\(deadline.milliseconds) * interval '1 millisecond')
            """
        ).rows
        var commits: [CICommit] = []
        for row in rows {
            let id = try row.decode(0, as: UUID.self)
            if commits.last?.workOrderID != id {
                commits.append(
                    CICommit(
                        workOrderID: id, token: try row.decode(9), isOverdue: try row.decode(1),
                        repository: try row.decode(2), pullRequest: try row.decode(3), headSHA: try row.decode(4)))
            }
            guard let workflow = try row.decode(5, as: String?.self) else { continue }
            commits[commits.count - 1].runs.append(
                WorkflowRun(
                    workflow: workflow, runID: try row.decode(6), attempt: try row.decode(7),
                    conclusion: try row.decode(8)))
        }
        return commits
    }

    /// Carries out verdicts in one commit; returns the orders that took theirs. One whose runs or state changed
    /// meanwhile is judged again.
    package func applyCIVerdicts(_ decisions: [CIDecision]) async throws(PostgresError) -> [UUID] {
        guard !decisions.isEmpty else { return [] }
        return try await postgres.run(
            """
            SELECT * FROM moose.apply_ci_verdicts(
                \(decisions.map(\.commit.workOrderID)), \(decisions.map(\.commit.token)),
                \(decisions.map(\.verdict.rawValue)), \(decisions.map(\.commit.repository)),
                \(decisions.map(\.commit.headSHA)), \(decisions.map { Int64($0.commit.runs.count) }),
                \(decisions.map(\.failureClass?.rawValue)), \(decisions.map(\.message)), \(decisions.map(\.facts)))
            """
        ).rows.decode(UUID.self)
    }

    /// Lets results that led to no verdict wait; returns how many were told of because no order knows them.
    package func deferCIResults(unmatchedAfter: Duration) async throws(PostgresError) -> Int {
        try await postgres.count(
            "SELECT moose.defer_ci_results(\(unmatchedAfter.milliseconds) * interval '1 millisecond')")
    }
}
