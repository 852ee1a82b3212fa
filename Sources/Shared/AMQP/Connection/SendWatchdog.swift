internal import Glibc
internal import Synchronization

/// Breaks a send that the library can't be told to give up.
///
/// Under TLS the library writes by itself and waits for the peer without limit. The I/O thread arms the watchdog around
/// such a call; past the limit a task shuts the socket down, and the call returns with an error.
final class SendWatchdog: Sendable {
    private struct State {
        var fileDescriptor: Int32 = -1
        var since: ContinuousClock.Instant?
        var isOver = false
    }

    private let state = Mutex(State())
    private let limit: Duration

    /// - Parameter limit: how long one send may take.
    init(limit: Duration) {
        self.limit = limit
        Task { [weak self] in
            // Nobody cancels this task, so the sleep never throws.
            while let pause = self?.check() { try? await Task.sleep(for: pause) }
        }
    }

    func arm(_ fileDescriptor: Int32) {
        state.withLock { state in
            state.fileDescriptor = fileDescriptor
            state.since = .now
        }
    }

    /// Must come before the descriptor is closed, so that no other file is ever shut down under its number.
    func disarm() { state.withLock { $0.since = nil } }

    /// Ends the watching; the connection is closed.
    func end() { state.withLock { $0 = State(isOver: true) } }

    /// - Returns: when to look again; nil when there is nothing left to watch.
    private func check() -> Duration? {
        state.withLock { state in
            if state.isOver { return nil }
            if let since = state.since, .now - since > limit { shutdown(state.fileDescriptor, Int32(SHUT_RDWR)) }
            return min(limit / 4, .seconds(1))
        }
    }
}
