package import Postgres

/// Why a question to the ledger has no answer. Without an answer there is no money: callers must not start the work.
package enum LedgerError: Error, Sendable, Hashable {
    /// The budget could not be asked in the time given. The last failure is nil when the database was only slow.
    case unavailable(PostgresError?)
    /// The database refuses this very item; asking again can't help.
    case invalid(PostgresError)
    /// The caller's task was cancelled. `wasSent`: a move may have been made; a reservation that is granted all the
    /// same is given back without the caller's help.
    case cancelled(wasSent: Bool)
    /// The coalescer was closed before this was answered.
    case closed
}

extension LedgerError: CustomStringConvertible {
    /// Safe to log.
    package var description: String {
        switch self {
        case .unavailable(let failure):
            "the budget can't be asked, so nothing may be spent. "
                + (failure.map(Self.sentence)
                    ?? "The database did not answer in time. Try again, and look for long transactions")
        case .invalid(let failure):
            "the budget refuses this request as malformed. \(Self.sentence(failure)). Correct the estimate or the names"
        case .cancelled(let wasSent):
            "the question to the budget was abandoned. Its task was cancelled"
                + (wasSent ? "; what was granted meanwhile is given back" : " before it was sent")
        case .closed: "the budget's queue is closed. The process is stopping"
        }
    }

    private static func sentence(_ failure: PostgresError) -> String {
        failure.description.prefix(1).uppercased() + failure.description.dropFirst()
    }
}
