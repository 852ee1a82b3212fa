internal import Postgres
internal import Store

extension Store {
    /// Throws what to do when the schema or its functions are missing or too old. Newer ones are fine: what this program
    /// calls is kept for a release.
    func requireSchema() async throws {
        let version = try await schemaVersion()
        guard version > 0 else { throw Self.mustMigrate("the database has no Moose schema") }
        guard version >= Migrations.all.last?.id ?? 0, try await functionsVersion() >= Functions.all.version else {
            throw Self.mustMigrate("the database's schema is older than this moose")
        }
    }

    private static func mustMigrate(_ what: String) -> CommandFailure {
        CommandFailure(what, next: "run `moose migrate`", status: .refused)
    }
}
