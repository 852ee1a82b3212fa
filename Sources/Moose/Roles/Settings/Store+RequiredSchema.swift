internal import Postgres
internal import Store

extension Store {
    /// Throws what to do when the schema is missing or too old. A newer one is fine.
    func requireSchema() async throws {
        let version = try await schemaVersion()
        guard version >= Migrations.all.last?.id ?? 0 else {
            throw CommandFailure(
                version == 0 ? "the database has no Moose schema" : "the database's schema is older than this moose",
                next: "run `moose migrate`", status: .refused)
        }
    }
}
