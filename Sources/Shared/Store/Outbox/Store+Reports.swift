package import FoundationEssentials
package import Postgres

extension Store {
    /// Puts messages under their own ids into the outbox, in one commit; one that waits there already is left as it is.
    package func enqueue(
        ids: [UUID], exchanges: [String], routingKeys: [String], types: [String], bodies: [[UInt8]]
    ) async throws(PostgresError) {
        _ = try await postgres.run(
            """
            INSERT INTO moose.outbox (id, exchange, routing_key, type, body)
            SELECT m.id, m.exchange, m.routing_key, m.type, m.body
            FROM unnest(\(ids), \(exchanges), \(routingKeys), \(types), \(bodies))
                AS m (id, exchange, routing_key, type, body)
            ORDER BY m.id
            ON CONFLICT (id) DO NOTHING
            """)
    }
}
