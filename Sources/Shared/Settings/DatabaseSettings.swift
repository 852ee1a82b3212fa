/// Where PostgreSQL is.
package struct DatabaseSettings: Sendable, Equatable {
    /// `postgresql://user:password@host:port/database?parameter=value`, as libpq reads it.
    /// Default `postgresql://moose@127.0.0.1:5432/moose`. Key `database_url`, overridden by `MOOSE_DATABASE_URL`.
    /// May hold a password.
    package var url = "postgresql://moose@127.0.0.1:5432/moose"

    /// The URL with its password hidden, for logs and errors.
    package var redactedURL: String { ConnectionURL.redacted(url) }

    /// Work although a crash of the host may lose what was acknowledged (`fsync = off` and the like): for trials whose
    /// data nobody keeps. Default false. Key `database_accept_unsafe`.
    package var acceptsUnsafe = false

    /// The defaults.
    package init() {}
}
