package import Postgres

/// Runs the body with a client and closes it, also when the body fails.
package func withPostgresClient<Value>(
    _ configuration: PostgresConfiguration, connections: Int, _ body: (PostgresClient) async throws -> Value
) async throws -> Value {
    let client = try PostgresClient(configuration: configuration, maxConnections: connections)
    do {
        let value = try await body(client)
        await client.close()
        return value
    } catch {
        await client.close()
        throw error
    }
}
