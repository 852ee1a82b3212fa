internal import IOThread
internal import Synchronization

extension LedgerCoalescer {
    // MARK: - Deadlines

    /// Makes sure that somebody looks at this moment.
    func watch(until deadline: ContinuousClock.Instant) {
        state.withLock { state in
            if let watch = state.watch, watch.at <= deadline { return }
            state.watch?.task.cancel()
            let task = Task { [weak self] in
                // Cancelled: an earlier look is planned instead, or all is over.
                try? await Deadlines.shared.sleep(until: deadline)
                if !Task.isCancelled { self?.endOverdue() }
            }
            state.watch = (deadline, task)
        }
    }

    private func endOverdue() {
        let now = ContinuousClock.now
        let (overdue, failure, next) = state.withLock { state in
            state.watch = nil
            let flying = state.flight.filter { call in !call.isAnswered }
            let overdue = state.calls.removeExpired(now: now) + flying.filter { call in call.deadline <= now }
            let later = flying.map(\.deadline).filter { deadline in deadline > now }.min()
            let next = [later, state.calls.earliestDeadline].compactMap { deadline in deadline }.min()
            return (overdue, state.lastFailure, next)
        }
        for call in overdue where call.answer(.failure(.unavailable(failure))) && call.isOrphan {
            reportKept(call.item.name, failure)
        }
        if let next { watch(until: next) }
    }

    // MARK: - Closing

    /// Takes no more questions, waits for the answers to those that were asked, and after `limit` (default 5 s) fails
    /// the rest with ``LedgerError/closed``. May be called more than once. The caller closes the database client.
    package func close(within limit: Duration = .seconds(5)) async {
        let timer = Task { [weak self] in
            // Cancelled: everything was answered in time.
            try? await Task.sleep(for: limit)
            if !Task.isCancelled { self?.giveUp() }
        }
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                state.isClosing = true
                if state.isRunning, !state.hasGivenUp { state.closers.append(continuation) }
                return !state.isRunning || state.hasGivenUp
            }
            if isIdle { continuation.resume() }
        }
        timer.cancel()
        state.withLock { state in
            state.watch?.task.cancel()
            state.watch = nil
        }
    }

    private func giveUp() {
        let (calls, closers) = state.withLock { state in
            state.hasGivenUp = true
            defer { state.closers = [] }
            return (state.calls.removeAll() + state.flight, state.closers)
        }
        for call in calls where call.answer(.failure(.closed)) && call.isOrphan { reportKept(call.item.name, nil) }
        for closer in closers { closer.resume() }
    }
}
