/// What an error of the database says about the work its statement carried. The one place where that is decided:
/// nobody else looks at SQLSTATEs to find out whether to try again, to wait, or to put something aside.
package enum PostgresFault: String, Sendable, CaseIterable {
    /// No server that takes work: unreachable, refused, starting, stopping, read-only, or without this program's
    /// rights. Nobody's work is at fault; wait as long as it takes.
    case away
    /// The server answers and lacks disk or memory. Never the work's fault, but what needs less may still pass.
    case starved
    /// Somebody else was at the same rows: soon it may pass.
    case contention
    /// It may be the work's fault or the server's: a time-out, a connection that broke under the statement, an internal
    /// error, a schema that doesn't fit. Who is to blame shows when one of many fails alone and the others pass.
    case unclear
    /// What the statement carried was refused: the same again can't pass.
    case item
}

extension PostgresError {
    /// Who is to blame.
    package var fault: PostgresFault {
        switch self {
        case .server(let error): PostgresFault(sqlState: error.sqlState)
        // The statement may have ended its own session, and every one after it.
        case .connectionLost(_, let outcomeUnknown): outcomeUnknown ? .unclear : .away
        case .decoding, .transactionAborted: .unclear
        case .invalidConfiguration, .unreachable, .authenticationFailed, .databaseMissing, .unsuitable, .timeout,
            .cancelled,
            .closed:
            .away
        }
    }

    /// The statement may have been committed all the same: what can't be written twice is looked for before it is sent again.
    package var mayHaveCommitted: Bool {
        switch self {
        case .connectionLost(_, let outcomeUnknown): outcomeUnknown
        case .cancelled(let wasSent): wasSent
        // The answer came and could not be read.
        case .decoding: true
        case .server(let error): error.isFatal
        case .invalidConfiguration, .unreachable, .authenticationFailed, .databaseMissing, .unsuitable, .timeout,
            .transactionAborted, .closed:
            false
        }
    }
}

extension PostgresFault {
    /// - Parameter sqlState: five characters, a class of two and a condition of three.
    package init(sqlState: String) {
        self =
            switch sqlState {
            // Read-only; ended for idling in a transaction; a prepared statement that somebody between us and the
            // server made or dropped.
            case "25006", "25P03", "26000", "42P05": .away
            // Ours: a budget nobody has set a policy for. A person sets one; no work can be judged until then.
            case "MS003": .unclear
            // Locks, objects in use, a snapshot too old.
            case "55P03", "55006", "72000": .contention
            // Raised by rules in SQL, our own and those of whoever adds triggers.
            case "P0000", "P0001", "P0002", "P0003", "P0004": .item
            // The session was ended under the statement, by somebody's wish or by the crash of another. A server that
            // stops says the same; then the next statements say that it is away.
            case "57P01", "57P02": .unclear
            default: Self.byClass[String(sqlState.prefix(2))] ?? (sqlState.hasPrefix("57P") ? .away : .unclear)
            }
    }

    /// Classes whose conditions are alike. Those that aren't listed, such as 42 (rights and names), 57014 (a
    /// time-out) and XX (internal), are unclear.
    private static let byClass: [String: PostgresFault] = [
        // Connections, log-in, database, configuration, the server's own files.
        "08": .away, "28": .away, "3D": .away, "F0": .away, "58": .away,
        "53": .starved,
        "40": .contention,
        // Rows, data, constraints, conditions of triggers and functions, views, limits of a row or an expression; MS: ours.
        "21": .item, "22": .item, "23": .item, "27": .item, "2F": .item, "38": .item, "39": .item, "44": .item,
        "54": .item, "MS": .item,
    ]
}
