package import Postgres

/// The agents that daily budgets of the org and of projects don't stop.
package enum ExemptAgents {
    /// In alphabetical order.
    package static func all(in database: PostgresClient) async throws -> [String] {
        try await database.run("SELECT agent FROM moose.budget_exempt_agents ORDER BY agent").rows.decode(String.self)
    }

    /// Adds or removes one.
    ///
    /// - Returns: whether that changed anything.
    package static func change(
        _ agent: String, isExempt: Bool, who: String, reason: String?, in database: PostgresClient
    ) async throws -> Bool {
        try await database.withTransaction { transaction in
            _ = try await transaction.run("SELECT moose.act_as(\(who), \(reason))")
            let add: Query =
                "INSERT INTO moose.budget_exempt_agents (agent) VALUES (\(agent)) ON CONFLICT DO NOTHING"
            let remove: Query = "DELETE FROM moose.budget_exempt_agents WHERE agent = \(agent)"
            return try await transaction.run(isExempt ? add : remove).affectedRows > 0
        }
    }
}
