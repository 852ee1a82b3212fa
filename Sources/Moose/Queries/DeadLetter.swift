internal import FoundationEssentials
internal import Postgres

/// A message that was refused, or an order that failed for good, with the reason.
struct DeadLetter: Sendable {
    let id: UUID
    let state: String
    let reason: String
    let explanation: String
    /// It stands for the order itself rather than for a message.
    let isOrder: Bool
    let workOrderID: UUID?
    let kind: String?
    let lane: String?
    let exchange: String?
    let routingKey: String?
    let queue: String?
    let size: Int
    let deaths: Int64?
    let diedAt: Date?
    let redelivered: Bool
    let createdAt: Date

    static let columns = """
        id, state, reason, explanation, is_order, work_order_id, kind, lane, exchange, routing_key, queue, length(body), \
        deaths, died_at, redelivered, created_at
        """
    /// How many columns that are.
    static let width = 16

    /// The letter with its body and its headers; nil when there is none of this id.
    static func find(
        _ id: UUID, in database: PostgresClient
    ) async throws -> (letter: DeadLetter, body: [UInt8], headers: String)? {
        try await database.run(
            "SELECT \(unescaped: columns), body, headers::text FROM moose.dead_letters WHERE id = \(id)"
        ).first.map { row in (try DeadLetter(row), try row.decode(width), try row.decode(width + 1)) }
    }

    init(_ row: PostgresRow) throws {
        id = try row.decode(0)
        state = try row.decode(1)
        reason = try row.decode(2)
        explanation = try row.decode(3)
        isOrder = try row.decode(4)
        workOrderID = try row.decode(5)
        kind = try row.decode(6)
        lane = try row.decode(7)
        exchange = try row.decode(8)
        routingKey = try row.decode(9)
        queue = try row.decode(10)
        size = try row.decode(11)
        deaths = try row.decode(12)
        diedAt = try row.decode(13)
        redelivered = try row.decode(14)
        createdAt = try row.decode(15)
    }

    /// The reason and its explanation, which may have begun with the reason where it was written.
    var headline: String { explanation.hasPrefix("\(reason): ") ? explanation : "\(reason): \(explanation)" }

    var json: [String: JSONValue] {
        [
            "id": .id(id), "state": .string(state), "reason": .string(reason), "explanation": .string(explanation),
            "is_order": .bool(isOrder), "work_order_id": .id(workOrderID), "kind": .text(kind), "lane": .text(lane),
            "exchange": .text(exchange), "routing_key": .text(routingKey), "queue": .text(queue),
            "body_bytes": .count(size), "deaths": deaths.map(JSONValue.integer) ?? .null, "died_at": .time(diedAt),
            "redelivered": .bool(redelivered), "created_at": .time(createdAt),
        ]
    }
}
