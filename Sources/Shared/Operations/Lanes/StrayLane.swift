package import Postgres

/// A lane that a configuration doesn't name, or not any more, and that no living worker serves: nobody will take what
/// it holds.
package struct StrayLane: Sendable {
    package let name: String
    /// Stored orders that have not ended; counts stop at 100,000. None: perhaps its queue holds messages.
    package let stored: Int

    /// By name.
    ///
    /// - Parameter configured: the lanes that the configuration names.
    package static func all(configured: [String], in database: PostgresClient) async throws -> [StrayLane] {
        try await database.run(
            """
            SELECT s.lane, s.stored FROM moose.stored_orders(ARRAY(
                (SELECT name FROM moose.known_lanes UNION SELECT * FROM moose.lanes_of_orders())
                EXCEPT (SELECT * FROM moose.tended_lanes() UNION SELECT unnest(\(configured))))) s
            ORDER BY s.lane
            """
        ).rows.decode().map(StrayLane.init)
    }
}
