internal import Synchronization

/// Where the I/O thread writes how the connection stands and any thread reads it.
final class StatusBoard: Sendable {
    private struct State {
        var status = AMQPStatus()
        var lastHeard: ContinuousClock.Instant?
        var logins = 0
    }

    private let state = Mutex(State())

    /// A copy, with the age computed now.
    func read() -> AMQPStatus {
        state.withLock { state in
            var status = state.status
            status.lastFrameAge = status.connected ? state.lastHeard.map { .now - $0 } : nil
            return status
        }
    }

    func connected(to address: BrokerAddress, serverVersion: String?) {
        state.withLock { state in
            state.logins += 1
            state.lastHeard = .now
            state.status.connected = true
            state.status.blocked = nil
            state.status.lastError = nil
            state.status.reconnects = state.logins - 1
            state.status.serverVersion = serverVersion
            state.status.address = address
        }
    }

    func disconnected(_ error: AMQPError?) {
        state.withLock { state in
            state.status.connected = false
            state.status.blocked = nil
            if let error { state.status.lastError = error }
        }
    }

    func heard(at instant: ContinuousClock.Instant) { state.withLock { $0.lastHeard = instant } }
    func blocked(_ reason: String?) { state.withLock { $0.status.blocked = reason } }
}
