internal import Postgres

/// Runs the body with the URL of a new database, without Moose's schema, and drops it.
///
/// - Parameter server: a libpq URI of a role that may create databases. Nothing stays connected to it meanwhile, so the
///   body may restart it.
package func withEmptyDatabase<Value>(
    on server: String, _ body: (String) async throws -> Value
) async throws -> Value {
    let name = "moose_test_\(UInt64.random(in: 1...UInt64.max))"
    let dropping = "DROP DATABASE \(name) WITH (FORCE)"
    try await run("CREATE DATABASE \(name)", on: server)
    let value: Value
    do {
        // The last setting of a name wins.
        value = try await body(server + (server.contains("?") ? "&" : "?") + "dbname=\(name)")
    } catch {
        // The error of the test is the one to show.
        try? await run(dropping, on: server)
        throw error
    }
    try await run(dropping, on: server)
    return value
}

private func run(_ statement: String, on server: String) async throws {
    try await withPostgresClient(PostgresConfiguration(url: server), connections: 1) { client in
        try await client.runSimple(statement)
    }
}
