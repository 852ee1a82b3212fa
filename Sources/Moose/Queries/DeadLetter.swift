internal import FoundationEssentials
internal import Postgres

/// A message that was refused, with the reason.
struct DeadLetter: Sendable {
    let id: UUID
    let state: String
    let reason: String
    let explanation: String
    let workOrderID: UUID?
    let kind: String?
    let lane: String?
    let exchange: String?
    let routingKey: String?
    let size: Int
    let createdAt: Date

    private static let columns = """
        id, state, reason, explanation, work_order_id, kind, lane, exchange, routing_key, length(body), created_at
        """

    /// The newest first; nil filters let everything pass.
    static func newest(
        reason: String?, kind: String?, lane: String?, all: Bool, limit: Int, in database: PostgresClient
    ) async throws -> [DeadLetter] {
        try await database.run(
            """
            SELECT \(unescaped: columns) FROM moose.dead_letters
            WHERE (\(all) OR state = 'dead') AND (\(reason)::text IS NULL OR reason = \(reason))
              AND (\(kind)::text IS NULL OR kind = \(kind)) AND (\(lane)::text IS NULL OR lane = \(lane))
            ORDER BY created_at DESC, id LIMIT \(limit)
            """
        ).rows.map(DeadLetter.init)
    }

    /// The letter with its body and its headers; nil when there is none of this id.
    static func find(
        _ id: UUID, in database: PostgresClient
    ) async throws -> (letter: DeadLetter, body: [UInt8], headers: String)? {
        try await database.run(
            "SELECT \(unescaped: columns), body, headers FROM moose.dead_letters WHERE id = \(id)"
        ).first.map { row in (try DeadLetter(row), try row.decode(11), try row.decode(12)) }
    }

    private init(_ row: PostgresRow) throws {
        id = try row.decode(0)
        state = try row.decode(1)
        reason = try row.decode(2)
        explanation = try row.decode(3)
        workOrderID = try row.decode(4)
        kind = try row.decode(5)
        lane = try row.decode(6)
        exchange = try row.decode(7)
        routingKey = try row.decode(8)
        size = try row.decode(9)
        createdAt = try row.decode(10)
    }

    var json: [String: JSONValue] {
        [
            "id": .id(id), "state": .string(state), "reason": .string(reason), "explanation": .string(explanation),
            "work_order_id": .id(workOrderID), "kind": .text(kind), "lane": .text(lane), "exchange": .text(exchange),
            "routing_key": .text(routingKey), "body_bytes": .count(size), "created_at": .time(createdAt),
        ]
    }
}
