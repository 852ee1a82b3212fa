internal import AMQP
internal import Synchronization

/// A subscription to a queue that is read until nothing more comes: then it is closed, which ends its stream.
final class IdleSubscription: Sendable {
    private enum State {
        case waiting(since: ContinuousClock.Instant)
        case working
        case closing
    }

    private let subscription: AMQPSubscription
    private let idle: Duration
    private let state = Mutex(State.waiting(since: .now))

    /// - Parameter idle: how long without a delivery means that there are no more.
    init(_ subscription: AMQPSubscription, idle: Duration) {
        self.subscription = subscription
        self.idle = idle
    }

    /// Something arrived, and takes as long as it takes.
    /// - Returns: false when the subscription is being closed: what arrived goes back, leave it alone.
    func begin() -> Bool {
        state.withLock { state in
            if case .closing = state { return false }
            state = .working
            return true
        }
    }

    /// It is done; the time begins anew.
    func end() { state.withLock { $0 = .waiting(since: .now) } }

    /// Runs the body beside the watch; closes the subscription in the end, which returns what is not acknowledged.
    func read<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        let watch = Task {
            while !isOver() {
                do {
                    try await Task.sleep(for: .milliseconds(100))
                } catch {
                    // Cancelled: the body has ended.
                    return
                }
            }
            await subscription.close()
        }
        do {
            let value = try await body()
            watch.cancel()
            await subscription.close()
            return value
        } catch {
            watch.cancel()
            await subscription.close()
            throw error
        }
    }

    private func isOver() -> Bool {
        state.withLock { state in
            guard case .waiting(let since) = state, ContinuousClock.now - since >= idle else { return false }
            state = .closing
            return true
        }
    }
}
