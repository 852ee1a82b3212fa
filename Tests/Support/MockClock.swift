internal import Synchronization

/// A clock that stands still until a test advances it.
package final class MockClock: Clock, Sendable {
    /// A moment, counted from the clock's making.
    package struct Instant: InstantProtocol, CustomStringConvertible {
        package let offset: Swift.Duration

        package func advanced(by duration: Swift.Duration) -> Instant { Instant(offset: offset + duration) }
        package func duration(to other: Instant) -> Swift.Duration { other.offset - offset }
        package static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
        package var description: String { "+\(offset)" }
    }

    private struct Sleeper {
        let deadline: Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct Watcher {
        let wanted: Int
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now = Instant(offset: .zero)
        var lastID = 0
        var sleepers: [Int: Sleeper] = [:]
        var watchers: [Watcher] = []
    }

    private let state = Mutex(State())

    package init() {}

    package var now: Instant { state.withLock { state in state.now } }

    package var minimumResolution: Swift.Duration { .nanoseconds(1) }

    package func sleep(until deadline: Instant, tolerance: Swift.Duration? = nil) async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                add(Sleeper(deadline: deadline, continuation: continuation), id)
            }
        } onCancel: {
            let sleeper = state.withLock { state in state.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    private func add(_ sleeper: Sleeper, _ id: Int) {
        let (isOver, isCancelled, ready) = state.withLock { state -> (Bool, Bool, [Watcher]) in
            if sleeper.deadline <= state.now { return (true, false, []) }
            // Looked at under the lock: a cancellation before this found no sleeper to wake.
            if Task.isCancelled { return (false, true, []) }
            state.sleepers[id] = sleeper
            let ready = state.watchers.filter { watcher in watcher.wanted <= state.sleepers.count }
            state.watchers.removeAll { watcher in watcher.wanted <= state.sleepers.count }
            return (false, false, ready)
        }
        if isOver { sleeper.continuation.resume() }
        if isCancelled { sleeper.continuation.resume(throwing: CancellationError()) }
        for watcher in ready { watcher.continuation.resume() }
    }

    /// Moves time on and wakes all whose deadline is reached, the earliest first.
    package func advance(by duration: Swift.Duration) {
        let due = state.withLock { state in
            let now = state.now.advanced(by: duration)
            state.now = now
            let due = state.sleepers.filter { sleeper in sleeper.value.deadline <= now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.sorted { left, right in left.deadline < right.deadline }
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Waits until at least so many tasks sleep on this clock: the moment to advance it.
    package func waitForSleepers(_ wanted: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.sleepers.count >= wanted { return true }
                state.watchers.append(Watcher(wanted: wanted, continuation: continuation))
                return false
            }
            if isReached { continuation.resume() }
        }
    }
}
