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

extension DatabaseSettings {
    /// The keys of the file's root that belong here.
    static let keys = ["database_url", "database_accept_unsafe"]
    static let urlVariable = "MOOSE_DATABASE_URL"

    /// Takes what the file's root says; what is missing or, with a mistake noted, wrong keeps its value.
    mutating func read(_ root: Section) {
        url = root["database_url"]?.url(to: .database) ?? url
        acceptsUnsafe = root["database_accept_unsafe"]?.boolean() ?? acceptsUnsafe
    }

    mutating func read(_ variables: Variables) {
        url = variables.url(Self.urlVariable, to: .database) ?? url
    }

    /// What is shown of it at the root.
    var entries: [(key: String, value: ShownValue)] {
        [
            ("database_url", .text(redactedURL)),
            ("database_accept_unsafe", .boolean(acceptsUnsafe)),
        ]
    }
}
