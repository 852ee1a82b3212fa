internal import FoundationEssentials
internal import Postgres

/// One work order with all its fields.
struct WorkOrderDetail: Sendable {
    let id: UUID
    let state: String
    let kind: String
    let lane: String
    let title: String
    let project: String?
    let agent: String?
    let estimateMicroUSD: Int64?
    let attempt: Int
    let maxAttempts: Int?
    let runAt: Date
    let leaseWorker: UUID?
    let leaseExpiresAt: Date?
    let startedAt: Date?
    let workerLosses: Int
    let body: [UInt8]
    let result: [UInt8]?
    let error: String?
    let failureClass: String?
    let createdAt: Date
    let finishedAt: Date?
    /// When, by whom and why a cancel was asked for while it ran.
    let cancelRequestedAt: Date?
    let cancelWho: String?
    let cancelReason: String?
    /// The pull request it made, and since when it waits for what CI says of it.
    let pullRequest: Int?
    let repository: String?
    let ciSince: Date?

    /// - Returns: nil when there is none of this id.
    static func find(_ id: UUID, in database: PostgresClient) async throws -> WorkOrderDetail? {
        try await database.run(
            """
            SELECT id, state, kind, lane, title, project, agent, estimate_u, attempt, max_attempts, run_at, lease_worker,
                   lease_expires_at, started_at, worker_losses, body, result, error, failure_class, created_at,
                   finished_at, cancel_requested_at, cancel_who, cancel_reason, github_pr_number, github_repository,
                   ci_since
            FROM moose.work_orders WHERE id = \(id)
            """
        ).first.map(WorkOrderDetail.init)
    }

    private init(_ row: PostgresRow) throws {
        id = try row.decode(0)
        state = try row.decode(1)
        kind = try row.decode(2)
        lane = try row.decode(3)
        title = try row.decode(4)
        project = try row.decode(5)
        agent = try row.decode(6)
        estimateMicroUSD = try row.decode(7)
        attempt = try row.decode(8)
        maxAttempts = try row.decode(9)
        runAt = try row.decode(10)
        leaseWorker = try row.decode(11)
        leaseExpiresAt = try row.decode(12)
        startedAt = try row.decode(13)
        workerLosses = try row.decode(14)
        body = try row.decode(15)
        result = try row.decode(16)
        error = try row.decode(17)
        failureClass = try row.decode(18)
        createdAt = try row.decode(19)
        finishedAt = try row.decode(20)
        cancelRequestedAt = try row.decode(21)
        cancelWho = try row.decode(22)
        cancelReason = try row.decode(23)
        pullRequest = try row.decode(24)
        repository = try row.decode(25)
        ciSince = try row.decode(26)
    }

    var json: [String: JSONValue] {
        [
            "id": .id(id), "state": .string(state), "kind": .string(kind), "lane": .string(lane),
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
