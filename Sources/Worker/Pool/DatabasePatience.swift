internal import Postgres
internal import Reporting
internal import WorkOrders

/// What whoever writes to the database does while it takes nothing: it says so, waits, and tries again.
struct DatabasePatience: Sendable {
    let board: PoolBoard
    let reporter: Reporter

    func answered() { board.change { $0.databaseAnswered() } }

    /// Says so, and waits a little longer each time, up to 2 s, with jitter, so that workers don't return in step. A
    /// database that is away costs more time on top: the statement waits for a connection first.
    ///
    /// - Parameter attempt: from 0.
    func failed(_ error: PostgresError, attempt: Int, during operation: String) async {
        board.change { $0.databaseFailed("\(error)") }
        if attempt == 0 || attempt % 10 == 0 {
            reporter.report(operation, "the database did not take it; work waits and tries again", error: error)
        }
        // Cancelled: the caller's loop sees it.
        try? await Task.sleep(
            for: min(.seconds(2), .milliseconds(100) * (1 << min(attempt, 6))) * Double.random(in: 0.5...1))
    }

    /// Says of what failed for other reasons than an absent database, and is tried apart now.
    func isolated(_ operation: String, _ error: PostgresError, _ count: Int) {
        guard error.fault != .away else { return }
        reporter.report(
            operation, "the database did not take it; it is tried apart from the others", error: error,
            details: [.items: "\(count)"])
    }
}
