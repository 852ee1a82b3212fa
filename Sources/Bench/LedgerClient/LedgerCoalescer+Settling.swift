internal import IOThread
internal import Logging
internal import Postgres
internal import Synchronization

extension LedgerCoalescer {
    /// How long a hold whose caller has left is tried to be given back; after that its lease or its life ends it.
    private static let orphanLimit = Duration.seconds(300)

    /// Gets an answer for each of these calls, or finds out that there is none.
    ///
    /// - Parameter isUncertain: an earlier attempt may have been committed without our hearing of it.
    func settle(_ calls: [LedgerCall], isUncertain: Bool) async {
        var calls = calls
        var isUncertain = isUncertain
        var failures = 0
        var hasRepeatedDuplicate = false
        while !calls.isEmpty {
            do throws(PostgresError) {
                state.withLock { state in state.counts.statements += 1 }
                let answers = try await batch.run(calls.map(\.item))
                deliver(answers, to: calls, isUncertain: isUncertain)
                return
            } catch {
                let isDuplicate = error.sqlState == "23505"
                if error.isTransient || isDuplicate && !hasRepeatedDuplicate {
                    hasRepeatedDuplicate = hasRepeatedDuplicate || isDuplicate
                    isUncertain = isUncertain || error.isOutcomeUnknown
                    failures += 1
                    state.withLock { state in
                        state.counts.retries += 1
                        state.lastFailure = error
                    }
                    await pause(after: failures)
                    calls = keepWanted(calls, isUncertain: isUncertain)
                } else if let halves = split(calls, error) {
                    state.withLock { state in state.counts.splits += 1 }
                    for half in halves { await settle(half, isUncertain: isUncertain) }
                    return
                } else {
                    refuse(calls, error, isUncertain: isUncertain)
                    return
                }
            }
        }
    }

    private func deliver(_ answers: [LedgerAnswer], to calls: [LedgerCall], isUncertain: Bool) {
        state.withLock { state in
            state.lastFailure = nil
            state.counts.answered += calls.count
            state.counts.givenBack += calls.count { call in call.isOrphan }
        }
        for (call, answer) in zip(calls, answers) {
            guard !call.answer(.success(answer)), case .reservation(.granted(let grant)) = answer else { continue }
            // Its caller has left. A hold that stood there before belongs to somebody else, unless a reply of ours was
            // lost.
            if !grant.isReplay || isUncertain { giveBack(call.item.name) }
        }
    }

    /// Before a repetition: who has left is left out, but for holds they may have got without our hearing of it.
    private func keepWanted(_ calls: [LedgerCall], isUncertain: Bool) -> [LedgerCall] {
        calls.filter { call in
            guard call.isAnswered else { return true }
            if isUncertain, call.item.isReservation { giveBack(call.item.name) }
            return false
        }
    }

    /// An item at fault in the data hides somewhere among all; anything else that is refused for good concerns the
    /// reservations, and must not keep money from being given back.
    private func split(_ calls: [LedgerCall], _ error: PostgresError) -> [[LedgerCall]]? {
        guard case .server = error, calls.count > 1 else { return nil }
        if error.isDataFault {
            let middle = calls.count / 2
            return [Array(calls[..<middle]), Array(calls[middle...])]
        }
        let moves = calls.filter { call in !call.item.isReservation }
        guard !moves.isEmpty, moves.count < calls.count else { return nil }
        return [moves, calls.filter { call in call.item.isReservation }]
    }

    private func refuse(_ calls: [LedgerCall], _ error: PostgresError, isUncertain: Bool) {
        let failure = error.isDataFault ? LedgerError.invalid(error) : .unavailable(error)
        for call in calls {
            call.answer(.failure(failure))
            if call.isOrphan { reportKept(call.item.name, error) }
            if isUncertain, call.item.isReservation { giveBack(call.item.name) }
        }
    }

    private func giveBack(_ name: HoldName) {
        let deadline = ContinuousClock.now + Self.orphanLimit
        let isTaken = state.withLock { state in
            // After the time for closing nobody would send it.
            guard !state.isClosing || state.isRunning && !state.hasGivenUp else { return false }
            state.calls.addOrphan(name, deadline: deadline)
            return true
        }
        if isTaken { watch(until: deadline) } else { reportKept(name, nil) }
    }

    func reportKept(_ name: HoldName, _ failure: PostgresError?) {
        logger?.warning(
            "a hold was not given back: its lease or its life ends it",
            metadata: ["hold": "\(name)", "reason": "\(failure.map(\.description) ?? "the coalescer is closed")"])
    }

    private static let backoff = Backoff(base: .milliseconds(20), cap: .seconds(1))

    private func pause(after failures: Int) async {
        // Nobody cancels this task; if somebody did, the next attempt would only come sooner.
        try? await Task.sleep(for: Self.backoff.pause(after: failures, jitter: .random(in: 0...1)))
    }
}

extension PostgresError {
    /// The statement may have been committed.
    fileprivate var isOutcomeUnknown: Bool {
        switch self {
        case .connectionLost(_, let outcomeUnknown): outcomeUnknown
        case .cancelled(let wasSent): wasSent
        default: false
        }
    }
}
