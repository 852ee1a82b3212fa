package import FoundationEssentials
package import Postgres

/// A message that is due, leased by this relay.
package struct OutboxMessage: Sendable {
    package let row: UUID
    /// The work order a doorbell is for; nil for everything else.
    package let doorbellFor: UUID?
    package let exchange: String
    package let routingKey: String
    package let type: String
    package let correlationID: String?
    package let body: [UInt8]
    /// How long past due it is.
    package let lag: Duration
}

extension Store {
    /// Leases what is due for 30 s; other relays pass it by meanwhile.
    package func leaseOutbox(_ lease: UUID, limit: Int = 500) async throws(PostgresError) -> [OutboxMessage] {
        var messages: [OutboxMessage] = []
        let rows = try await postgres.run(
            """
            SELECT id, doorbell_for, exchange, routing_key, type, correlation_id, body, lag_seconds
            FROM moose.lease_outbox(\(lease), \(Int32(clamping: limit)))
            """
        ).rows
        for row in rows {
            messages.append(
                OutboxMessage(
                    row: try row.decode(0, as: UUID.self), doorbellFor: try row.decode(1, as: UUID?.self),
                    exchange: try row.decode(2, as: String.self), routingKey: try row.decode(3, as: String.self),
                    type: try row.decode(4, as: String.self), correlationID: try row.decode(5, as: String?.self),
                    body: try row.decode(6, as: [UInt8].self),
                    lag: .seconds(try row.decode(7, as: Double.self))))
        }
        return messages
    }

    /// Gives back what could not be published, for the next look of any relay.
    package func releaseOutbox(_ lease: UUID, _ messages: [OutboxMessage]) async throws(PostgresError) {
        _ = try await postgres.run("SELECT moose.release_outbox(\(lease), \(messages.map(\.row)))")
    }

    /// Deletes what the broker confirmed, except what was rung again meanwhile.
    package func deleteOutbox(_ lease: UUID, _ messages: [OutboxMessage]) async throws(PostgresError) {
        _ = try await postgres.run("SELECT moose.delete_outbox(\(lease), \(messages.map(\.row)))")
    }
}
