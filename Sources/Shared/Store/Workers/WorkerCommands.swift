internal import Postgres

/// What an operator told one worker; rows that stay until it ends.
package struct WorkerCommands: Sendable, Equatable {
    /// Who wants it to drain.
    package struct Drain: Sendable, Equatable {
        package var who: String
        package var reason: String?
    }

    /// How the rows name what is asked.
    enum Word: String, PostgresWord {
        case drain, resize
    }

    package var drain: Drain?
    /// Slots by lane, where they differ from what it was started with.
    package var slots: [String: Int] = [:]
}
