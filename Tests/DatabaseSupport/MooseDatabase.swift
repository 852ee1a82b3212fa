internal import FoundationEssentials
package import Postgres
internal import Store
internal import TestSupport

/// A database with Moose's schema that one test has to itself, and what the test asks of it.
package struct MooseDatabase: Sendable {
    /// For further clients of it.
    package let url: String
    /// Sees and changes what it likes, past the product.
    package let client: PostgresClient

    package init(url: String, client: PostgresClient) {
        self.url = url
        self.client = client
    }

    /// Runs the body with a fresh database. Afterwards the client is closed and the database dropped.
    ///
    /// - Parameters:
    ///   - connections: how many the client may open.
    ///   - configure: changes the client's settings, which are those of every program of ours.
    package static func open(
        connections: Int = 2, configure: (inout PostgresConfiguration) -> Void = { _ in },
        _ body: (MooseDatabase) async throws -> Void
    ) async throws {
        try await withURL { url in
            var configuration = PostgresConfiguration(url: url)
            configure(&configuration)
            try await withPostgresClient(configuration, connections: connections) { client in
                try await body(MooseDatabase(url: url, client: client))
            }
        }
    }

    /// Runs the body with the URL of a fresh database, which is dropped afterwards. For tests with clients of their own.
    ///
    /// - Parameter template: what the database begins with; a copy of it takes no migrations.
    package static func withURL(
        _ template: DatabaseTemplate = .moose, _ body: (String) async throws -> Void
    ) async throws {
        try await TestStack.shared.withDatabase(
            template: template.name, migrate: { url in try await migrate(url, to: template) }, body)
    }

    /// Brings an empty database to where tests begin: every migration, what the template adds, and then the SQL in
    /// `MOOSE_TEST_MUTANT`, with which `Tests/Mutants` breaks the schema to see whether the tests notice.
    package static func migrate(_ url: String, to template: DatabaseTemplate = .moose) async throws {
        try await withPostgresClient(PostgresConfiguration(url: url), connections: 1) { client in
            let migrator = Migrator(client: client)
            try await migrator.apply(.moose)
            if let script = template.script { try await client.runSimple(script) }
            if let mutant = ProcessInfo.processInfo.environment["MOOSE_TEST_MUTANT"] {
                try await client.runSimple(mutant)
                try await migrator.seal()
            }
        }
    }
}
