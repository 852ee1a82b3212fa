package import FoundationEssentials
package import Postgres

/// One work order with all its fields.
package struct WorkOrderDetail: Sendable {
    package let id: UUID
    package let state: String
    package let kind: String
    package let lane: String
    /// From 0 to 9.
    package let priority: Int
    package let title: String
    package let project: String?
    package let agent: String?
    package let estimateMicroUSD: Int64?
    package let attempt: Int
    package let maxAttempts: Int?
    package let runAt: Date
    package let leaseWorker: UUID?
    package let leaseExpiresAt: Date?
    package let startedAt: Date?
    package let workerLosses: Int
    package let body: [UInt8]
    package let result: [UInt8]?
    package let error: String?
    package let failureClass: String?
    package let createdAt: Date
    package let finishedAt: Date?
    /// When, by whom and why a cancel was asked for while it ran.
    package let cancelRequestedAt: Date?
    package let cancelWho: String?
    package let cancelReason: String?
    /// The pull request it made, and since when it waits for what CI says of it.
    package let pullRequest: Int?
    package let repository: String?
    package let ciSince: Date?

    /// - Returns: nil when there is none of this id.
    package static func find(_ id: UUID, in database: PostgresClient) async throws -> WorkOrderDetail? {
        try await database.run(
            """
            SELECT w.id, state, kind, lane, priority::integer, title, project, agent, estimate_u, attempt, max_attempts, run_at, l.worker,
                   l.expires_at, started_at, worker_losses, body, result, error, failure_class, created_at,
                   finished_at, cancel_requested_at, cancel_who, cancel_reason, github_pr_number, github_repository,
                   ci_since
            FROM moose.work_orders w LEFT JOIN moose.leases l ON l.id = w.id WHERE w.id = \(id)
            """
        ).first.map(WorkOrderDetail.init)
    }

    private init(_ row: PostgresRow) throws {
        (
            id, state, kind, lane, priority, title, project, agent, estimateMicroUSD, attempt, maxAttempts, runAt,
            leaseWorker, leaseExpiresAt, startedAt, workerLosses, body, result, error, failureClass, createdAt,
            finishedAt,
            cancelRequestedAt, cancelWho, cancelReason, pullRequest, repository, ciSince
        ) = try row.decode()
    }

    package var json: [String: JSONValue] {
        [
            "id": .id(id), "state": .string(state), "kind": .string(kind), "lane": .string(lane),
            "priority": .count(priority),
            "title": .string(title), "project": .text(project), "agent": .text(agent),
            "estimate_usd": .usd(estimateMicroUSD), "attempt": .count(attempt), "max_attempts": .count(maxAttempts),
            "run_at": .time(runAt), "lease_worker": .id(leaseWorker), "lease_expires_at": .time(leaseExpiresAt),
            "started_at": .time(startedAt), "worker_losses": .count(workerLosses), "body": .document(body),
            "result": .document(result), "error": .text(error), "failure_class": .text(failureClass),
            "created_at": .time(createdAt), "finished_at": .time(finishedAt),
            "cancel_requested_at": .time(cancelRequestedAt), "cancel_who": .text(cancelWho),
            "cancel_reason": .text(cancelReason), "pull_request": .count(pullRequest),
            "repository": .text(repository), "ci_since": .time(ciSince),
        ]
    }
}
