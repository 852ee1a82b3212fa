internal import FoundationEssentials
internal import Postgres
internal import WorkOrders

/// A work order in a list.
struct WorkOrderSummary: Sendable {
    let id: UUID
    let state: String
    let kind: String
    let lane: String
    let title: String
    let project: String?
    let attempt: Int
    let runAt: Date
    let createdAt: Date
    let finishedAt: Date?
    let error: String?

    /// Above so many rows the newest are those with the highest ids, which the primary key has in order; sorting all by
    /// their time would take long, and an index of it would cost every order.
    static let sortedByTime = 200_000

    /// The newest first; nil filters let everything pass.
    static func newest(
        state: WorkOrderState?, kind: String?, lane: String?, limit: Int, in database: PostgresClient
    ) async throws -> [WorkOrderSummary] {
        let rows = try await SystemStatus.estimatedOrders(in: database)
        let order = rows > sortedByTime ? "id DESC" : "created_at DESC, id DESC"
        // In the text of the query, so that the partial indexes of states serve.
        let inState = state.map { "state = '\($0.rawValue)'" } ?? "true"
        let result = try await database.run(
            """
            SELECT id, state, kind, lane, title, project, attempt, run_at, created_at, finished_at, error
            FROM moose.work_orders
            WHERE \(unescaped: inState) AND (\(kind)::text IS NULL OR kind = \(kind))
              AND (\(lane)::text IS NULL OR lane = \(lane))
            ORDER BY \(unescaped: order) LIMIT \(limit)
            """)
        return try result.rows.map(WorkOrderSummary.init)
    }

    private init(_ row: PostgresRow) throws {
        id = try row.decode(0)
        state = try row.decode(1)
        kind = try row.decode(2)
        lane = try row.decode(3)
        title = try row.decode(4)
        project = try row.decode(5)
        attempt = try row.decode(6)
        runAt = try row.decode(7)
        createdAt = try row.decode(8)
        finishedAt = try row.decode(9)
        error = try row.decode(10)
    }

    var json: JSONValue {
        [
            "id": .id(id), "state": .string(state), "kind": .string(kind), "lane": .string(lane),
            "title": .string(title), "project": .text(project), "attempt": .count(attempt), "run_at": .time(runAt),
            "created_at": .time(createdAt), "finished_at": .time(finishedAt), "error": .text(error),
        ]
    }
}
