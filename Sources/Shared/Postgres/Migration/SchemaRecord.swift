/// What a database has written down of its own schema.
struct SchemaRecord: Sendable {
    /// The set of functions that was installed last.
    struct Functions: Sendable {
        let version: Int
        let digest: String
        /// The newest migration there was then. One that came later may have dropped what functions and triggers hang on.
        let migration: Int
    }

    /// Checksums by number.
    let migrations: [Int: String]
    let functions: Functions?

    /// The number of the newest migration, 0 where there is none.
    var newest: Int { migrations.keys.max() ?? 0 }

    /// Whether this set has to be installed once the migrations are at `newest`. A newer release's functions stay.
    func lacks(_ wanted: FunctionSet, at newest: Int) -> Bool {
        guard let functions else { return true }
        if functions.version > wanted.version { return false }
        return functions.version < wanted.version || functions.digest != wanted.digest || functions.migration < newest
    }
}

extension Migrator {
    /// Makes the tables of what was done, where they aren't there. Of several processes that do it at the same moment,
    /// some are told that the name is taken: by then it is there.
    func prepare(_ connection: PostgresConnection) async throws(PostgresError) {
        for isLast in [false, false, true] {
            do throws(PostgresError) {
                return try await connection.runSimple(
                    """
                    CREATE SCHEMA IF NOT EXISTS moose;
                    CREATE TABLE IF NOT EXISTS moose.schema_migrations (
                        id bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                        applied_at timestamptz NOT NULL DEFAULT now());
                    CREATE TABLE IF NOT EXISTS moose.schema_functions (
                        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), version bigint NOT NULL,
                        digest text NOT NULL, migration bigint NOT NULL,
                        installed_at timestamptz NOT NULL DEFAULT now())
                    """)
            } catch {
                guard !isLast, ["23505", "42P06", "42P07"].contains(error.sqlState) else { throw error }
            }
        }
    }

    /// Reads it; empty where the tables aren't there.
    func readRecord(_ connection: PostgresConnection) async throws(PostgresError) -> SchemaRecord {
        let tables = try await connection.run(
            """
            SELECT to_regclass('moose.schema_migrations') IS NOT NULL,
                   to_regclass('moose.schema_functions') IS NOT NULL
            """)
        let (hasMigrations, hasFunctions) = try tables.first?.decode((Bool, Bool).self) ?? (false, false)
        var migrations: [Int: String] = [:]
        if hasMigrations {
            let result = try await connection.run("SELECT id, checksum FROM moose.schema_migrations")
            for (id, checksum) in try result.rows.decode((Int, String).self) { migrations[id] = checksum }
        }
        var functions: SchemaRecord.Functions?
        if hasFunctions {
            let result = try await connection.run("SELECT version, digest, migration FROM moose.schema_functions")
            if let (version, digest, migration) = try result.first?.decode((Int, String, Int).self) {
                functions = SchemaRecord.Functions(version: version, digest: digest, migration: migration)
            }
        }
        return SchemaRecord(migrations: migrations, functions: functions)
    }

    func write(_ migration: Migration, _ connection: PostgresConnection) async throws(PostgresError) {
        _ = try await connection.run(
            """
            INSERT INTO moose.schema_migrations (id, name, checksum)
            VALUES (\(migration.id), \(migration.name), \(migration.checksum))
            """)
    }

    func write(
        _ functions: FunctionSet, at migration: Int, _ connection: PostgresConnection
    ) async throws(PostgresError) {
        _ = try await connection.run(
            """
            INSERT INTO moose.schema_functions (version, digest, migration)
            VALUES (\(functions.version), \(functions.digest), \(migration))
            ON CONFLICT (only_row) DO UPDATE SET version = excluded.version, digest = excluded.digest,
                migration = excluded.migration, installed_at = now()
            """)
    }
}
