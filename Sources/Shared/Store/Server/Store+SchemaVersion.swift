package import Postgres

extension Store {
    /// The version of the functions that are installed, 0 where there are none.
    package func functionsVersion() async throws(PostgresError) -> Int {
        guard try await postgres.value("SELECT to_regclass('moose.schema_functions') IS NOT NULL", as: Bool.self) else {
            return 0
        }
        return try await postgres.count("SELECT coalesce(max(version), 0) FROM moose.schema_functions")
    }
}
