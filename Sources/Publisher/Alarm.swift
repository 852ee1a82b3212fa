internal import IOThread
internal import Synchronization

/// A sleep that somebody else can end. One task waits; any may ring, also before it does.
final class Alarm: Sendable {
    private struct State {
        var hasRung = false
        var sleeper: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())

    /// Ends the wait under way, or else the next one before it begins.
    func ring() {
        let sleeper = state.withLock { state in
            let sleeper = state.sleeper
            state.sleeper = nil
            if sleeper == nil { state.hasRung = true }
            return sleeper
        }
        sleeper?.resume()
    }

    /// Returns when it rings, after `limit`, or when the task is cancelled.
    func wait(atMost limit: Duration) async {
        guard limit > .zero, !Task.isCancelled else {
            state.withLock { $0.hasRung = false }
            return
        }
        let timer = Task {
            // Cancelled: the wait is over already.
            guard (try? await Deadlines.shared.sleep(for: limit)) != nil else { return }
            ring()
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.hasRung {
                        state.hasRung = false
                        return true
                    }
                    state.sleeper = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            ring()
        }
        timer.cancel()
    }
}
