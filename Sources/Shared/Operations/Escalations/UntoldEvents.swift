package import Postgres

/// Error events that still stand in the outbox: no Client Manager has heard of them.
package enum UntoldEvents {
    package static func count(in database: PostgresClient) async throws -> Int {
        try await database.count("SELECT count(*) FROM moose.outbox WHERE type = 'moose.error-event.v1'")
    }
}
