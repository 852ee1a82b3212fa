import Postgres
import Store
import TestSupport

/// A migrated database of its own for histories of the ledger.
enum LedgerDatabase {
    /// - Parameter connections: how many the client may open. Commits are not waited for: nothing here outlives the
    ///   server.
    static func open(connections: Int, _ body: (PostgresClient) async throws -> Void) async throws {
        try await TestStack.shared.withDatabase(
            template: "ledger",
            migrate: { url in
                let client = try PostgresClient(configuration: PostgresConfiguration(url: url), maxConnections: 1)
                try await Migrator(client: client).apply(Migrations.all)
                try await client.runSimple(Journal.schema)
                await client.close()
            },
            { url in
                var configuration = PostgresConfiguration(url: url)
                configuration.options = ["synchronous_commit": "off"]
                configuration.acquireTimeout = .seconds(60)
                let client = try PostgresClient(configuration: configuration, maxConnections: connections)
                do {
                    try await body(client)
                } catch {
                    await client.close()
                    throw error
                }
                await client.close()
            })
    }

    private static let emptying: String = {
        let tables = [
            "cost_tracking", "budget_holds", "budget_buckets", "budget_freezes", "budget_exempt_agents",
            "budget_policies", "outbox", "audit_log",
        ]
        return "SET moose.pruning = 'on';"
            + tables.map { table in "DELETE FROM moose.\(table);" }.joined() + "SET moose.pruning = 'off'"
    }()

    /// Empties the ledger and writes the budgets of a model.
    static func begin(_ model: LedgerModel, on connection: PostgresConnection) async throws {
        try await connection.runSimple(emptying)
        for (key, policy) in model.policies { _ = try await connection.run(Operation.setLimits(key, policy).query) }
        for agent in model.exemptAgents { _ = try await connection.run(Operation.exempt(agent).query) }
    }
}
