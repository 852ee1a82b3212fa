internal import Synchronization

/// The latest status: written by the I/O thread, read by anyone.
final class StatusBoard: Sendable {
    private let status = Mutex(PostgresStatus())

    var latest: PostgresStatus { status.withLock { status in status } }

    func publish(_ latest: PostgresStatus) { status.withLock { status in status = latest } }
}
