/// Where the database is and how its sessions behave.
package struct PostgresConfiguration: Sendable {
    /// A libpq URI or `key=value` string, passed on as it is: `sslmode` and the rest mean what libpq's manual says. Of
    /// several hosts the first that takes writes is used, whatever `target_session_attrs` says. Empty: the PG*
    /// environment variables decide.
    package var url: String
    /// What the server's `pg_stat_activity` shows, unless the URL names another. Default `moose`.
    package var applicationName = "moose"
    /// The server gives up a statement after this. Default 10 s; zero never.
    package var statementTimeout: Duration = .seconds(10)
    /// The server gives up waiting for a lock after this. Default 5 s; zero never.
    package var lockTimeout: Duration = .seconds(5)
    /// The server ends a session that idles inside a transaction for this long. Default 10 s; zero never.
    package var idleInTransactionTimeout: Duration = .seconds(10)
    /// One attempt to connect, over all hosts of the URL, may take this long. Default 10 s.
    package var connectTimeout: Duration = .seconds(10)
    /// A statement waits this long for a connection, be it that none can be made or that all are busy. Default 10 s.
    package var acquireTimeout: Duration = .seconds(10)
    /// Run-time settings of every session that differ from what ``SessionPins`` says; the names are trusted, the values
    /// quoted.
    package var options: [String: String] = [:]

    /// - Parameter url: see ``url``. Not checked here but when a ``PostgresClient`` is made.
    package init(url: String) { self.url = url }

    /// How a session is begun: pinned, or only looked at, by a probe that must leave nothing behind.
    var isProbe = false

    /// ``options`` by name.
    var sortedOptions: [(name: String, value: String)] {
        options.sorted { left, right in left.key < right.key }.map { name, value in (name, value) }
    }

    /// How long the server lets a statement run for certain; nil when for ever, or when ``options`` say otherwise.
    var serverSideLimit: Duration? {
        let isOverridden = options.keys.contains { name in name.lowercased() == "statement_timeout" }
        return isOverridden || statementTimeout <= .zero ? nil : statementTimeout
    }
}

extension PostgresConfiguration: CustomStringConvertible {
    /// The URL without its password, and the application name: safe to log.
    package var description: String { "\(ConnectionString.redacted(url)) as \(applicationName)" }
}
