package import FoundationEssentials
package import Postgres

/// How some work orders stand, counted.
package struct OrderTally: Sendable {
    package struct Count: Sendable {
        /// A state, or a failure class.
        package let name: String
        package let count: Int
    }

    /// The most frequent state first.
    package let states: [Count]
    /// The failure classes of those that failed, by name.
    package let failures: [Count]

    package static func of(_ ids: [UUID], in database: PostgresClient) async throws -> OrderTally {
        OrderTally(
            states: try await counts(
                """
                SELECT state, count(*) FROM moose.work_orders WHERE id = ANY (\(ids)) GROUP BY 1 ORDER BY 2 DESC, 1
                """, database),
            failures: try await counts(
                """
                SELECT coalesce(failure_class, '-'), count(*) FROM moose.work_orders
                WHERE id = ANY (\(ids)) AND state = 'failed' GROUP BY 1 ORDER BY 1
                """, database))
    }

    private static func counts(_ query: Query, _ database: PostgresClient) async throws -> [Count] {
        try await database.run(query).rows.decode().map(Count.init)
    }
}
