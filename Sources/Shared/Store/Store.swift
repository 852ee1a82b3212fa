package import Postgres

/// Work orders, outbox, leases, escalations and dead letters in Postgres: the Swift face of the schema's functions.
///
/// Every call is one statement and one commit, for a whole batch. Errors are ``PostgresError``.
package struct Store: Sendable {
    package let postgres: PostgresClient

    package init(_ postgres: PostgresClient) { self.postgres = postgres }
}
