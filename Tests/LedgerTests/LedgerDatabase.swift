import DatabaseSupport
import FoundationEssentials
import Postgres

/// A migrated database of its own for histories of the ledger, with a journal of what was done to it.
enum LedgerDatabase {
    /// - Parameter connections: how many the client may open. Commits are not waited for: nothing here outlives the
    ///   server.
    static func open(connections: Int, _ body: (PostgresClient, _ url: String) async throws -> Void) async throws {
        try await MooseDatabase.withURL(DatabaseTemplate(name: "journal", script: Journal.schema)) { url in
            try await withClient(of: url, name: "moose-ledger", connections: connections) { client in
                try await body(client, url)
            }
        }
    }

    /// How many histories a test plays: so many, times `MOOSE_TEST_HISTORIES` (default 1).
    static func histories(_ count: Int) -> Int {
        count * (ProcessInfo.processInfo.environment["MOOSE_TEST_HISTORIES"].flatMap { Int($0) } ?? 1)
    }

    /// Runs the body with one more client of a test's database.
    static func withClient(
        of url: String, name: String, connections: Int, _ body: (PostgresClient) async throws -> Void
    ) async throws {
        var configuration = PostgresConfiguration(url: url)
        configuration.applicationName = name
        configuration.options = ["synchronous_commit": "off"]
        configuration.acquireTimeout = .seconds(60)
        try await withPostgresClient(configuration, connections: connections, body)
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
