/// Brings the schema up to date, one process at a time, and remembers in `moose.schema_migrations` and
/// `moose.schema_functions` what it did.
package struct Migrator: Sendable {
    let client: PostgresClient

    package init(client: PostgresClient) { self.client = client }

    /// What `apply` would do. Changes nothing, also on an empty database. A schema that is ahead of the program's is fine.
    ///
    /// - Throws: also ``MigrationError/leftovers(_:removal:)``, as `apply` would.
    package func pending(_ schema: DatabaseSchema) async throws(MigrationError) -> SchemaChange {
        try await asMigrationError {
            try await client.withConnection { connection in
                try await refuseLeftovers(schema, connection)
                let record = try await readRecord(connection)
                let migrations = try plan(schema.migrations, record)
                let newest = max(record.newest, migrations.last?.id ?? 0)
                return SchemaChange(
                    migrations: migrations, installsFunctions: record.lacks(schema.functions, at: newest))
            }
        }
    }

    /// Runs the migrations that are pending, each in its own transaction, then installs the functions if the database has
    /// others and no newer release's. It locks the table of what was applied, so that other processes wait; nobody else
    /// may lock it, as anybody could an advisory lock.
    ///
    /// - Returns: what it did; nothing when the schema was up to date, or others did all.
    @discardableResult
    package func apply(_ schema: DatabaseSchema) async throws(MigrationError) -> SchemaChange {
        try await asMigrationError {
            // Not reused: the session's limits are lifted.
            try await client.withConnection(reusable: false) { connection in
                try await connection.runSimple(
                    "SET lock_timeout = 0; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
                try await refuseLeftovers(schema, connection)
                try await prepare(connection)
                let applied = try await apply(schema.migrations, connection)
                let installed = try await install(schema.functions, connection)
                return SchemaChange(migrations: applied, installsFunctions: installed)
            }
        }
    }

    private func apply(_ migrations: [Migration], _ connection: PostgresConnection) async throws -> [Migration] {
        var applied: [Migration] = []
        for migration in try plan(migrations, try await readRecord(connection)) {
            try await connection.begin()
            try await connection.runSimple("LOCK TABLE moose.schema_migrations IN EXCLUSIVE MODE")
            // What another process applied while this one waited, perhaps with another text.
            let pending = try plan(migrations, try await readRecord(connection))
            if pending.contains(where: { $0.id == migration.id }) {
                do throws(PostgresError) {
                    try await connection.runSimple(migration.sql)
                    if migration.id == pending.last?.id { try await connection.runSimple(Migrator.seal) }
                    try await write(migration, connection)
                } catch {
                    throw MigrationError.failed(id: migration.id, name: migration.name, error)
                }
                applied.append(migration)
            }
            try await connection.commit()
        }
        return applied
    }

    /// Those that are not recorded, in their order.
    private func plan(_ migrations: [Migration], _ record: SchemaRecord) throws(MigrationError) -> [Migration] {
        let sorted = migrations.sorted { left, right in left.id < right.id }
        for (migration, next) in zip(sorted, sorted.dropFirst()) where migration.id == next.id {
            throw .duplicate(id: migration.id)
        }
        for migration in sorted {
            if let checksum = record.migrations[migration.id], checksum != migration.checksum {
                throw .changed(id: migration.id, name: migration.name)
            }
        }
        return sorted.filter { migration in record.migrations[migration.id] == nil }
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
