package import FoundationEssentials
package import Postgres

/// A message that was refused, or an order that failed for good, with the reason.
package struct DeadLetterSummary: Sendable {
    package let id: UUID
    package let state: String
    package let reason: String
    package let explanation: String
    /// It stands for the order itself rather than for a message.
    package let isOrder: Bool
    package let workOrderID: UUID?
    package let kind: String?
    package let lane: String?
    package let exchange: String?
    package let routingKey: String?
    package let queue: String?
    /// Bytes of the body as it came.
    package let size: Int
    /// Bytes that were kept: fewer where it was over the limit.
    package let keptSize: Int
    /// SHA-256 of a body that was not kept whole, in hexadecimal.
    package let cutDigest: String?
    package let deaths: Int64?
    package let diedAt: Date?
    package let redelivered: Bool
    package let createdAt: Date

    static let columns = """
        id, state, reason, explanation, is_order, work_order_id, kind, lane, exchange, routing_key, queue, \
        coalesce(cut_size, octet_length(body)), octet_length(body), encode(cut_sha256, 'hex'), deaths, died_at, \
        redelivered, created_at
        """

    /// What a letter holds.
    package struct Content: Sendable {
        /// Only the beginning where the letter's ``DeadLetterSummary/isCut``.
        package let body: [UInt8]
        package let headers: String
        /// Exactly as they came, encoded as AMQP has them; nil where the message is gone.
        package let properties: [UInt8]?
    }

    /// The letter with its content; nil when there is none of this id.
    package static func find(
        _ id: UUID, in database: PostgresClient
    ) async throws -> (letter: DeadLetterSummary, content: Content)? {
        let row = try await database.run(
            "SELECT \(unescaped: columns) FROM moose.dead_letters WHERE id = \(id)"
        ).first
        guard let letter = try row.map(DeadLetterSummary.init), let content = try await contents([id], in: database)[id]
        else {
            return nil
        }
        return (letter, content)
    }

    /// What these letters hold.
    package static func contents(_ ids: [UUID], in database: PostgresClient) async throws -> [UUID: Content] {
        let rows = try await database.run(
            "SELECT id, body, headers::text, properties FROM moose.dead_letters WHERE id = ANY (\(ids))"
        ).rows.decode((UUID, [UInt8], String, [UInt8]?).self)
        var contents: [UUID: Content] = [:]
        for (id, body, headers, properties) in rows {
            contents[id] = Content(body: body, headers: headers, properties: properties)
        }
        return contents
    }

    init(_ row: PostgresRow) throws {
        (
            id, state, reason, explanation, isOrder, workOrderID, kind, lane, exchange, routingKey, queue, size,
            keptSize, cutDigest, deaths, diedAt, redelivered, createdAt
        ) = try row.decode()
    }

    /// Its body was over the limit, and only the beginning was kept: it can't be redriven as it came.
    package var isCut: Bool { cutDigest != nil }

    /// The reason and its explanation.
    package var headline: String { "\(reason): \(explanation)" }

    package var json: [String: JSONValue] {
        [
            "id": .id(id), "state": .string(state), "reason": .string(reason), "explanation": .string(explanation),
            "is_order": .bool(isOrder), "work_order_id": .id(workOrderID), "kind": .text(kind), "lane": .text(lane),
            "exchange": .text(exchange), "routing_key": .text(routingKey), "queue": .text(queue),
            "body_bytes": .count(size), "body_kept_bytes": .count(keptSize), "body_is_cut": .bool(isCut),
            "body_sha256": .text(cutDigest), "deaths": deaths.map(JSONValue.integer) ?? .null, "died_at": .time(diedAt),
            "redelivered": .bool(redelivered), "created_at": .time(createdAt),
        ]
    }
}
