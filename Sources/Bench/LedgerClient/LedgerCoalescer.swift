package import Logging
internal import Postgres
internal import Synchronization

/// The ledger for everybody in one process: many callers, few statements.
///
/// While a statement is under way, questions gather; when its answer comes, all of them go into the next one, up to
/// 512. There is no timer: a lone question is sent at once, and under load the batches grow by themselves.
///
/// The queue is bounded: beyond its capacity, callers wait for room in order of arrival. A failure that passes is
/// retried by the same names, so that a lost reply takes no money twice, until each caller's time is over; then there
/// is no answer, and without an answer no money. An item at fault is found by splitting and is refused alone.
package final class LedgerCoalescer: Sendable {
    struct State {
        var calls: CallQueue
        /// The statement under way, repeats and splits included.
        var flight: [LedgerCall] = []
        var isRunning = false
        var isClosing = false
        /// The time for closing is over: nothing more is sent.
        var hasGivenUp = false
        var counts = LedgerCounts()
        var lastFailure: PostgresError?
        var closers: [CheckedContinuation<Void, Never>] = []
        /// Ends those whose time is over; nil while nobody waits.
        var watch: (at: ContinuousClock.Instant, task: Task<Void, Never>)?
    }

    let batch: LedgerBatch
    let logger: Logger?
    let state: Mutex<State>

    /// - Parameters:
    ///   - capacity: of the queue, in items. Default 8192.
    ///   - batchLimit: items of one statement. Default 512.
    ///   - logger: hears of holds that could not be given back (warning).
    package init(_ batch: LedgerBatch, capacity: Int = 8192, batchLimit: Int = 512, logger: Logger? = nil) {
        self.batch = batch
        self.logger = logger
        state = Mutex(State(calls: CallQueue(capacity: max(1, capacity), batchLimit: max(1, batchLimit))))
    }

    deinit { state.withLock { state in state.watch?.task.cancel() } }

    /// Asks for money.
    ///
    /// - Parameter limit: how long an answer may take, failures and their repetition included. Default 10 s.
    /// - Throws: ``LedgerError``; in each case the work must not start. A reservation that is granted after its caller
    ///   has left, by cancellation or by time, is given back.
    package func reserve(
        _ request: HoldRequest, within limit: Duration = .seconds(10)
    ) async throws(LedgerError) -> HoldAnswer {
        guard case .reservation(let answer) = try await ask(.reserve(request), within: limit) else { throw .closed }
        return answer
    }

    /// Tells the ledger how a hold goes on.
    ///
    /// - Parameter limit: as for ``reserve(_:within:)``.
    /// - Throws: ``LedgerError``; the move may have been made all the same. Making it again is harmless.
    package func move(
        _ name: HoldName, _ move: HoldMove, within limit: Duration = .seconds(10)
    ) async throws(LedgerError) -> MoveAnswer {
        guard case .move(let answer) = try await ask(.move(name, move), within: limit) else { throw .closed }
        return answer
    }

    /// What it has done and what waits now.
    package func counts() -> LedgerCounts {
        state.withLock { state in
            var counts = state.counts
            counts.queued = state.calls.queued.count + state.calls.orphans.count
            counts.waiting = state.calls.waiting.count
            counts.inFlight = state.flight.count
            return counts
        }
    }

    private func ask(_ item: LedgerItem, within limit: Duration) async throws(LedgerError) -> LedgerAnswer {
        guard !Task.isCancelled else { throw .cancelled(wasSent: false) }
        let deadline = ContinuousClock.now + limit
        let entry = state.withLock { state -> (call: LedgerCall, starts: Bool)? in
            guard !state.isClosing else { return nil }
            let call = state.calls.add(item, deadline: deadline)
            defer { state.isRunning = true }
            return (call, !state.isRunning)
        }
        guard let entry else { throw .closed }
        let call = entry.call
        watch(until: deadline)
        if entry.starts { Task { await run() } }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in call.attach(continuation) }
        } onCancel: {
            call.cancel()
            state.withLock { state in state.calls.remove(call) }
        }
        return try answer.get()
    }

    /// One statement after the other until nothing waits.
    func run() async {
        while let calls = take() { await settle(calls, isUncertain: false) }
    }

    private func take() -> [LedgerCall]? {
        let (calls, idle) = state.withLock { state -> ([LedgerCall]?, [CheckedContinuation<Void, Never>]) in
            repeat { state.flight = state.calls.take() } while state.flight.isEmpty && !state.calls.isEmpty
            guard state.flight.isEmpty else { return (state.flight, []) }
            state.isRunning = false
            defer { state.closers = [] }
            return (nil, state.closers)
        }
        for closer in idle { closer.resume() }
        return calls
    }
}
