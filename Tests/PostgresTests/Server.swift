import DatabaseSupport
import Glibc
import Testing

@testable import Postgres

/// Where the tests find a server they may create databases on.
enum Server {
    /// A libpq URI of a role that may create databases.
    static let url = environment("MOOSE_TEST_DATABASE_URL") ?? "postgresql://moose@127.0.0.1:5432/postgres"

    /// A server of its own that a test may restart, and the shell command that does so. Both unset: no such test.
    static let restartableURL = environment("MOOSE_TEST_RESTARTABLE_DATABASE_URL")
    static let restartCommand = environment("MOOSE_TEST_RESTART_COMMAND")

    /// The default server, as libpq reads it, with some settings replaced.
    static func configuration(_ change: (inout PostgresConfiguration) -> Void = { _ in }) -> PostgresConfiguration {
        var configuration = PostgresConfiguration(url: url)
        change(&configuration)
        return configuration
    }

    /// The server's URL with one more setting, which wins over what it says before.
    static func url(with setting: String) -> String { url + (url.contains("?") ? "&" : "?") + setting }

    /// Runs `body` with a client and closes it.
    @discardableResult
    static func withClient<Value>(
        _ configuration: PostgresConfiguration = configuration(), maxConnections: Int = 2,
        _ body: (PostgresClient) async throws -> Value
    ) async throws -> Value {
        try await withPostgresClient(configuration, connections: maxConnections, body)
    }

    /// Runs `body` with the URL of a new, empty database, and drops it.
    @discardableResult
    static func withDatabase<Value>(_ body: (String) async throws -> Value) async throws -> Value {
        try await withEmptyDatabase(on: url, body)
    }

    private static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { value in unsafe String(cString: value) }
    }
}
