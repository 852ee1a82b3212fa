internal import Synchronization

/// One caller's question: answered once, by the database, its deadline or its own cancellation, whichever is first.
final class LedgerCall: Sendable {
    typealias Answer = Result<LedgerAnswer, LedgerError>

    private struct State {
        var continuation: CheckedContinuation<Answer, Never>?
        var early: Answer?
        var isAnswered = false
        var isSent = false
    }

    /// Rises with the order of arrival.
    let ticket: UInt64
    let item: LedgerItem
    let deadline: ContinuousClock.Instant
    /// Gives back the hold of a caller that had left; nobody waits for its answer.
    let isOrphan: Bool
    private let state = Mutex(State())

    init(ticket: UInt64, item: LedgerItem, deadline: ContinuousClock.Instant, isOrphan: Bool = false) {
        self.ticket = ticket
        self.item = item
        self.deadline = deadline
        self.isOrphan = isOrphan
    }

    var isAnswered: Bool { state.withLock { state in state.isAnswered } }

    /// Registers who waits; resumes at once when the answer is there already.
    func attach(_ continuation: CheckedContinuation<Answer, Never>) {
        let early = state.withLock { state in
            if state.early == nil { state.continuation = continuation }
            return state.early
        }
        if let early { continuation.resume(returning: early) }
    }

    /// It goes into a statement now. False: its caller has left.
    func send() -> Bool {
        state.withLock { state in
            guard !state.isAnswered else { return false }
            state.isSent = true
            return true
        }
    }

    /// Returns false when it was answered before, so that this answer reached nobody.
    @discardableResult
    func answer(_ answer: Answer) -> Bool { settle { _ in answer } }

    /// The caller leaves.
    func cancel() { settle { wasSent in .failure(.cancelled(wasSent: wasSent)) } }

    /// Whether it was sent and how it is answered is decided in one step, so that the answer is true.
    @discardableResult
    private func settle(_ answer: (_ wasSent: Bool) -> Answer) -> Bool {
        let settled = state.withLock { state -> (continuation: CheckedContinuation<Answer, Never>?, answer: Answer)? in
            guard !state.isAnswered else { return nil }
            state.isAnswered = true
            let answer = answer(state.isSent)
            let continuation = state.continuation
            state.continuation = nil
            if continuation == nil { state.early = answer }
            return (continuation, answer)
        }
        guard let settled else { return false }
        settled.continuation?.resume(returning: settled.answer)
        return true
    }
}
