/// Finds out what a connection pooler between us and the server does with sessions, on connections of its own that
/// set nothing.
struct PoolerProbe {
    private var configuration: PostgresConfiguration
    /// Two sessions that share a server process show it at once where nobody else uses the pool, soon where others do.
    private static let rounds = 8

    init(_ configuration: PostgresConfiguration) {
        self.configuration = configuration
        self.configuration.isProbe = true
        self.configuration.acquireTimeout = configuration.connectTimeout
    }

    /// Returns when each session keeps a server process of its own.
    ///
    /// - Throws: ``PostgresError/unsuitable(reason:remedy:)`` when not.
    func check() async throws {
        let client = try PostgresClient(configuration: configuration, maxConnections: 2)
        do {
            let isShared = try await sessionsAreShared(client)
            await client.close()
            if isShared { throw PostgresError.pooled(in: "transaction") }
        } catch {
            await client.close()
            throw error
        }
    }

    private func sessionsAreShared(_ client: PostgresClient) async throws -> Bool {
        try await client.withConnection { one in
            _ = try await backend(of: one)
            do {
                return try await client.withConnection { other in
                    for _ in 1...PoolerProbe.rounds {
                        let first = try await backend(of: one)
                        let second = try await backend(of: other)
                        let again = try await backend(of: one)
                        if first == second || first != again { return true }
                    }
                    return false
                }
            } catch PostgresError.timeout {
                throw PostgresError.unsuitable(
                    reason: "A connection pooler stands between, and it gives Moose a single session",
                    remedy: "Name the server's own address in database_url, or let the pooler give each process five")
            }
        }
    }

    private func backend(of connection: PostgresConnection) async throws(PostgresError) -> Int32 {
        let result = try await connection.run("SELECT pg_catalog.pg_backend_pid()")
        guard let row = result.first else { throw .unreachable(reason: "The pooler answered nothing") }
        return try row.decode(0)
    }
}

extension PostgresError {
    /// Somebody else than the server answered when the session began; only a ``PoolerProbe`` knows whether that hurts.
    static let pooled = pooled(in: "an unknown")

    static func pooled(in mode: String) -> PostgresError {
        .unsuitable(
            reason: "A connection pooler in \(mode) mode stands between: Moose's statements, locks and settings would "
                + "meet in sessions of others",
            remedy: "Name the server's own address in database_url, or a pool in session mode")
    }

    /// A pooler that lets no setting pass with the start of a session.
    static func refusedByPooler(_ message: String) -> PostgresError {
        .unsuitable(
            reason: "A connection pooler stands between, and it refuses what Moose asks of its sessions (\(message))",
            remedy: "Name the server's own address in database_url; or, of a PgBouncer in session mode, set "
                + "ignore_startup_parameters = options")
    }
}
