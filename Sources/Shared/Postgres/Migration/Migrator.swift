/// Brings the schema up to date, one process at a time, and remembers in `moose.schema_migrations` what it did.
package struct Migrator: Sendable {
    let client: PostgresClient

    package init(client: PostgresClient) { self.client = client }

    /// Those that `apply` would run, in order. Changes nothing, also on an empty database.
    ///
    /// - Parameter refusesNewerSchema: throw when the database has migrations that are not in the list. Default false:
    ///   programs tolerate a schema that is ahead of them.
    package func pending(
        _ migrations: [Migration], refusesNewerSchema: Bool = false
    ) async throws(MigrationError) -> [Migration] {
        try await asMigrationError {
            try await client.withConnection { connection in
                let exists: PostgresResult = try await connection.run(
                    "SELECT to_regclass('moose.schema_migrations') IS NOT NULL")
                let recorded = try exists.first?.decode(0, as: Bool.self) == true ? await recorded(connection) : [:]
                return try plan(migrations, recorded, refusesNewerSchema)
            }
        }
    }

    /// Runs all that are pending, each in its own transaction. It locks the table of what was applied, so that other
    /// processes wait; nobody else may lock it, as anybody could an advisory lock.
    ///
    /// - Returns: those it ran; none when the schema was up to date, or others ran all.
    @discardableResult
    package func apply(
        _ migrations: [Migration], refusesNewerSchema: Bool = false
    ) async throws(MigrationError) -> [Migration] {
        try await asMigrationError {
            // Not reused: the session's limits are lifted.
            try await client.withConnection(reusable: false) { connection in
                try await connection.runSimple(
                    "SET lock_timeout = 0; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
                try await prepare(connection)
                var applied: [Migration] = []
                for migration in try plan(migrations, try await recorded(connection), refusesNewerSchema) {
                    try await connection.begin()
                    try await connection.runSimple("LOCK TABLE moose.schema_migrations IN EXCLUSIVE MODE")
                    // What another process applied while this one waited, perhaps with another text.
                    let pending = try plan(migrations, try await recorded(connection), refusesNewerSchema)
                    if pending.contains(where: { $0.id == migration.id }) {
                        do throws(PostgresError) {
                            try await run(migration, connection, seals: migration.id == pending.last?.id)
                        } catch {
                            throw MigrationError.failed(id: migration.id, name: migration.name, error)
                        }
                        applied.append(migration)
                    }
                    try await connection.commit()
                }
                return applied
            }
        }
    }

    /// Makes the table of what was applied, where it isn't there. Of several processes that do it at the same moment, some
    /// are told that the name is taken: by then it is there.
    private func prepare(_ connection: PostgresConnection) async throws(PostgresError) {
        for isLast in [false, false, true] {
            do throws(PostgresError) {
                return try await connection.runSimple(
                    """
                    CREATE SCHEMA IF NOT EXISTS moose;
                    CREATE TABLE IF NOT EXISTS moose.schema_migrations (
                        id bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                        applied_at timestamptz NOT NULL DEFAULT now())
                    """)
            } catch {
                guard !isLast, ["23505", "42P06", "42P07"].contains(error.sqlState) else { throw error }
            }
        }
    }

    /// - Parameter seals: it is the last one.
    private func run(
        _ migration: Migration, _ connection: PostgresConnection, seals: Bool
    ) async throws(PostgresError) {
        try await connection.runSimple(migration.sql)
        if seals { try await connection.runSimple(Migrator.seal) }
        _ = try await connection.run(
            """
            INSERT INTO moose.schema_migrations (id, name, checksum)
            VALUES (\(migration.id), \(migration.name), \(migration.checksum))
            """)
    }

    /// Checksums by number.
    private func recorded(_ connection: PostgresConnection) async throws(PostgresError) -> [Int: String] {
        let result = try await connection.run("SELECT id, checksum FROM moose.schema_migrations")
        var recorded: [Int: String] = [:]
        for row in result.rows { recorded[try row.decode(0)] = try row.decode(1, as: String.self) }
        return recorded
    }

    private func plan(
        _ migrations: [Migration], _ recorded: [Int: String], _ refusesNewerSchema: Bool
    ) throws(MigrationError) -> [Migration] {
        let sorted = migrations.sorted { left, right in left.id < right.id }
        for (migration, next) in zip(sorted, sorted.dropFirst()) where migration.id == next.id {
            throw .duplicate(id: migration.id)
        }
        for migration in sorted {
            if let checksum = recorded[migration.id], checksum != migration.checksum {
                throw .changed(id: migration.id, name: migration.name)
            }
        }
        let newest = sorted.last?.id ?? 0
        if refusesNewerSchema, let database = recorded.keys.max(), database > newest {
            throw .newerSchema(database: database, program: newest)
        }
        return sorted.filter { migration in recorded[migration.id] == nil }
    }

    private func asMigrationError<Value>(_ body: () async throws -> Value) async throws(MigrationError) -> Value {
        do {
            return try await body()
        } catch let error as MigrationError {
            throw error
        } catch let error as PostgresError {
            throw .database(error)
        } catch {
            throw .database(.connectionLost(reason: "\(error)", outcomeUnknown: true))
        }
    }
}
