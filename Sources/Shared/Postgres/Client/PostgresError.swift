/// Everything that can go wrong between this program and its database.
package enum PostgresError: Error, Sendable, Hashable {
    /// The URL, or an environment variable of libpq, can't be understood, or the server refuses a setting in it.
    case invalidConfiguration(reason: String)
    /// No server answered, or the one that did takes no sessions now.
    case unreachable(reason: String)
    /// The server refused the role, its password or the host it came from.
    case authenticationFailed(reason: String)
    /// The server has no database of that name.
    case databaseMissing(reason: String)
    /// A server answered, and Moose can't work with it safely: what it is, and what a person does about it.
    case unsuitable(reason: String, remedy: String)
    /// The server refused the statement; the connection stays usable.
    case server(ServerError)
    /// The connection broke. `outcomeUnknown`: the statement had been sent and may have been committed.
    case connectionLost(reason: String, outcomeUnknown: Bool)
    /// All connections stayed busy for the configured time; the statement was not sent.
    case timeout(reason: String)
    /// The task was cancelled. `wasSent`: the server runs the statement to its end all the same.
    case cancelled(wasSent: Bool)
    /// A field of the result can't be read as the type asked for.
    case decoding(column: String, row: Int, fault: DecodingFault)
    /// COMMIT was answered by a rollback: a statement of the transaction had failed and its error was ignored.
    case transactionAborted
    /// The client was closed.
    case closed

    /// The server's five-character code, if the server answered with an error.
    package var sqlState: String? {
        if case .server(let error) = self { error.sqlState } else { nil }
    }

    /// Another transaction was in the way, and this one was undone: a serialization failure or a deadlock.
    package var isConflict: Bool { sqlState == "40001" || sqlState == "40P01" }

    /// True when the same statement may succeed later, unchanged: a lost or missing connection, a deadlock or
    /// serialization failure, a resource or lock that was taken, a server starting, stopping or read-only, a time-out.
    package var isTransient: Bool {
        switch self {
        case .unreachable, .connectionLost, .timeout: true
        case .server(let error):
            switch fault {
            case .away, .starved, .contention: true
            case .unclear: error.sqlState == "57014" || error.sqlState.hasPrefix("57P")
            case .item: false
            }
        case .invalidConfiguration, .authenticationFailed, .databaseMissing, .unsuitable, .cancelled, .decoding,
            .transactionAborted, .closed:
            false
        }
    }
}

extension PostgresError: CustomStringConvertible {
    /// Safe to log: no parameters, no values of rows, no password.
    package var description: String {
        switch self {
        case .invalidConfiguration(let reason):
            "the database URL can't be used. \(reason). Correct database_url or the PG* variables"
        case .unreachable(let reason):
            "the database is unreachable. \(reason)\(reason.hasSuffix("?") ? "" : ".") "
                + (reason.contains("certificate") || reason.contains("SSL")
                    ? "Check sslmode and sslrootcert in database_url, and the server's certificate"
                    : "Check that it runs and that database_url names it")
        case .authenticationFailed(let reason):
            "the database refused the log-in. \(reason). "
                + (reason.contains("CONNECT privilege")
                    ? "Grant CONNECT on the database to the role, or name another in database_url"
                    : "Check the role and password in database_url")
        case .databaseMissing(let reason):
            "the database doesn't exist. \(reason). Create it, or correct database_url"
        case .unsuitable(let reason, let remedy): "Moose can't work with this database. \(reason). \(remedy)"
        case .server(let error):
            "the database refused a statement. \(error.message) (SQLSTATE \(error.sqlState))"
                + (error.hint.map { hint in ". \(hint)" } ?? "")
        case .connectionLost(let reason, let outcomeUnknown):
            "the connection to the database was lost. \(reason). "
                + (outcomeUnknown ? "The statement may have been committed: look before repeating it" : "Try again")
        case .timeout(let reason): "the database was too busy. \(reason). Try again"
        case .cancelled(let wasSent):
            "the database statement was abandoned. Its task was cancelled"
                + (wasSent ? "; the server runs it to its end" : " before it was sent")
        case .decoding(let column, let row, let fault):
            "a result can't be read. Column \(column) of row \(row): \(fault)"
        case .transactionAborted:
            "the transaction was rolled back. One of its statements had failed before COMMIT"
        case .closed: "the database client is closed. Nothing was sent"
        }
    }
}
