internal import CoreMetrics
internal import FoundationEssentials
package import Logging
internal import Postgres
package import Reporting
package import Store
internal import Telemetry
internal import WorkOrders

/// Judges the orders whose pull requests CI ran for, as results come in. Any number may run; each verdict is taken once.
package struct SentinelJudge: Sendable {
    /// The workflows that must pass. Default: Build, Test, Integration Tests, Lint.
    package var workflows = ["Build", "Test", "Integration Tests", "Lint"]
    /// How long all of them may take, from the first result or the end of the attempt, whichever is later. Default 2 h.
    package var deadline = Duration.seconds(2 * 3600)
    /// After what time a result whose pull request no order knows is told of. Default 1 h.
    package var unmatchedAfter = Duration.seconds(3600)
    /// Between two looks. Default 1 s.
    package var interval = Duration.seconds(1)

    package init() {}

    /// Looks until it is cancelled.
    package func run(_ store: Store, logger: Logger, reporter: Reporter) async {
        let repeating = Repeating(
            "verdict", every: interval, startsAtOnce: true, problem: "results of CI wait for a verdict",
            reporter: reporter)
        await repeating.run { try await look(store, logger: logger, reporter: reporter) }
    }

    /// Judges what is there now. An order whose verdict the database refuses holds up no other; it is judged again.
    func look(_ store: Store, logger: Logger, reporter: Reporter? = nil) async throws {
        let commits = try await store.ciResults(deadline: deadline)
        var verdicts: [CIDecision] = []
        for commit in commits {
            let verdict = CIVerdict.of(commit.runs, expected: workflows, isOverdue: commit.isOverdue)
            if let decision = CIDecision(verdict, commit, expected: workflows) { verdicts.append(decision) }
        }
        var taken: [UUID] = []
        try await bisecting(verdicts) { some throws(PostgresError) in
            let ids = try await store.applyCIVerdicts(some)
            taken += ids
        } alone: { decision, error in
            reporter?.report(
                "verdict", "the database refuses a verdict of CI", error: error,
                workOrder: decision.commit.workOrderID, severity: .critical)
        }
        for id in taken {
            guard let decision = verdicts.first(where: { $0.commit.workOrderID == id }) else { continue }
            Counter(.sentinelVerdicts, dimensions: [("verdict", decision.verdict.rawValue)]).increment()
            logger.info(
                "CI verdict",
                metadata: [
                    "work_order": "\(id.text)", "verdict": "\(decision.verdict.rawValue)",
                    "pull_request": "\(decision.commit.pullRequest)",
                    "head_sha": "\(decision.commit.headSHA ?? "none")",
                    "why": "\(decision.message ?? "every workflow passed")",
                ])
        }
        let told = try await store.deferCIResults(unmatchedAfter: unmatchedAfter)
        if told > 0 { logger.warning("results of CI belong to no work order", metadata: ["new": "\(told)"]) }
    }
}

extension CIDecision {
    /// Nil while there is nothing to decide.
    fileprivate init?(_ verdict: CIVerdict, _ commit: CICommit, expected: [String]) {
        switch verdict {
        case .waiting: return nil
        case .passed(let flaky):
            var facts = Facts(.passed, commit, expected: expected)
            facts.flaky = flaky.isEmpty ? nil : flaky.joined(separator: ", ")
            self.init(commit: commit, verdict: .passed, failureClass: nil, message: nil, facts: facts.json)
        case .failed(let failureClass, let confidence, let words):
            self.init(.failed, failureClass, confidence, words, commit, expected: expected)
        case .unclear(let failureClass, let confidence, let words):
            self.init(.unclear, failureClass, confidence, words, commit, expected: expected)
        }
    }

    private init(
        _ verdict: Verdict, _ failureClass: FailureClass, _ confidence: Double?, _ words: String, _ commit: CICommit,
        expected: [String]
    ) {
        var facts = Facts(verdict, commit, expected: expected)
        facts.confidence = confidence
        self.init(commit: commit, verdict: verdict, failureClass: failureClass, message: words, facts: facts.json)
    }

    /// What the order keeps of it, under `ci` in its metadata.
    private struct Facts: Encodable {
        let verdict: String
        var confidence: Double?
        var flaky: String?
        let repository: String?
        let pullRequest: Int32
        let headSHA: String?
        /// How many results of expected workflows it stands on: a verdict on more is news.
        let runs: Int
        /// The last end of each workflow.
        let workflows: [String: String]

        init(_ verdict: Verdict, _ commit: CICommit, expected: [String]) {
            self.verdict = verdict.rawValue
            repository = commit.repository
            pullRequest = commit.pullRequest
            headSHA = commit.headSHA
            runs = commit.runs.count { expected.contains($0.workflow) }
            // The runs come in the order of their age.
            workflows = Dictionary(commit.runs.map { ($0.workflow, $0.conclusion) }) { _, later in later }
        }

        enum CodingKeys: String, CodingKey {
            case verdict, confidence, flaky, repository, runs, workflows
            case pullRequest = "pull_request"
            case headSHA = "head_sha"
        }

        var json: String {
            // Texts and numbers always encode.
            (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        }
    }
}
