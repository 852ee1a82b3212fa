internal import Synchronization

/// Sleeps that leave nothing behind when they are cancelled: for whatever guards a job, a call or a batch.
///
/// `Task.sleep` returns at once when its task is cancelled, but its timer stays in the runtime's queue until its time has
/// come. A process that gives every job ten minutes would hold the timers of all jobs of the last ten minutes. Here one
/// thread waits for the earliest of all deadlines, and one that is cancelled is gone.
package final class Deadlines: Sendable {
    private struct State {
        var heap = DeadlineHeap()
        var sleepers: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        /// Cancelled before they slept.
        var cancelled: Set<UInt64> = []
        var lastNumber: UInt64 = 0
        /// What the thread waits for; nil: for ever.
        var waitsUntil: ContinuousClock.Instant?
    }

    /// The process's own.
    package static let shared = Deadlines()

    private let state = Mutex(State())
    /// Nil: the system had no descriptor left.
    private let signal: WakeSignal?

    private let isRunning = Mutex(false)

    init() {
        let signal = try? WakeSignal()
        self.signal = signal
        guard let signal else { return }
        do {
            try IOThread(name: "moose-deadlines") { self.serve(signal) }.detach()
            isRunning.withLock { $0 = true }
        } catch {
            // A process that can't have this thread has others to miss. Its sleeps are the runtime's, as they were.
        }
    }

    /// How many sleep now.
    package var count: Int { state.withLock { $0.heap.count } }

    /// How many sleep until a moment after this one.
    func count(after moment: ContinuousClock.Instant) -> Int { state.withLock { $0.heap.count(after: moment) } }

    /// What is kept of sleeps that have ended: nothing.
    var leftovers: Int { state.withLock { $0.sleepers.count + $0.cancelled.count - $0.heap.count } }

    /// Sleeps for so long.
    /// - Throws: `CancellationError` when the task is cancelled first.
    package func sleep(for duration: Duration) async throws { try await sleep(until: .now + duration) }

    /// Sleeps until then.
    /// - Throws: `CancellationError` when the task is cancelled first.
    package func sleep(until deadline: ContinuousClock.Instant) async throws {
        guard isRunning.withLock({ $0 }) else { return try await Task.sleep(until: deadline, clock: .continuous) }
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        let isOver = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in add(number, deadline, continuation) }
        } onCancel: {
            cancel(number)
        }
        if !isOver || Task.isCancelled {
            // The cancel may have come after the end of the sleep.
            state.withLock { _ = $0.cancelled.remove(number) }
        }
        guard isOver else { throw CancellationError() }
    }

    private func add(
        _ number: UInt64, _ deadline: ContinuousClock.Instant, _ continuation: CheckedContinuation<Bool, Never>
    ) {
        let (isCancelled, mustWake) = state.withLock { state in
            guard !state.cancelled.contains(number) else { return (true, false) }
            state.sleepers[number] = continuation
            state.heap.insert(number, at: deadline)
            guard state.waitsUntil.map({ deadline < $0 }) ?? true else { return (false, false) }
            state.waitsUntil = deadline
            return (false, true)
        }
        if isCancelled { continuation.resume(returning: false) }
        if mustWake { signal?.raise() }
    }

    private func cancel(_ number: UInt64) {
        let sleeper = state.withLock { state in
            let sleeper = state.sleepers.removeValue(forKey: number)
            if sleeper == nil { state.cancelled.insert(number) } else { state.heap.remove(number) }
            return sleeper
        }
        sleeper?.resume(returning: false)
    }

    /// The thread's life.
    private func serve(_ signal: WakeSignal) {
        var pollSet = PollSet()
        pollSet.add(signal.fileDescriptor, .readable)
        while true {
            let now = ContinuousClock.now
            let (due, next) = state.withLock { state in
                var due: [CheckedContinuation<Bool, Never>] = []
                while let number = state.heap.takeDue(at: now) {
                    if let sleeper = state.sleepers.removeValue(forKey: number) { due.append(sleeper) }
                }
                state.waitsUntil = state.heap.earliest
                return (due, state.waitsUntil)
            }
            for sleeper in due { sleeper.resume(returning: true) }
            pollSet.wait(until: next)
            signal.clear()
        }
    }
}
