internal import Synchronization

/// What one task asks of the I/O thread, and where its answer goes. Answered once, by whoever comes first: the thread
/// or the task's cancellation.
final class Request: Sendable {
    enum Work: Sendable {
        /// Be answered as soon as a connection works, or the first attempt failed.
        case connect
        /// Have a connection exclusively.
        case lease
        case query(Query)
        case script(String)
    }

    enum Answer: Sendable {
        case done
        case result(PostgresResult)
        case lease(PoolState.ConnectionID)
    }

    typealias Continuation = CheckedContinuation<Result<Answer, PostgresError>, Never>

    private struct State {
        var continuation: Continuation?
        var early: Result<Answer, PostgresError>?
        var isAnswered = false
        var wasSent = false
    }

    private static let counter = Atomic<UInt64>(1)

    typealias ID = PoolState.WaiterID

    let id: ID = Request.counter.wrappingAdd(1, ordering: .relaxed).oldValue
    let work: Work
    private let state = Mutex(State())

    init(_ work: Work) { self.work = work }

    /// Registers who waits; resumes at once when the answer is there already.
    func attach(_ continuation: Continuation) {
        let early = state.withLock { state in
            if state.early == nil { state.continuation = continuation }
            return state.early
        }
        if let early { continuation.resume(returning: early) }
    }

    /// Returns false when the request was answered before, so this answer reached nobody.
    @discardableResult
    func answer(_ answer: Result<Answer, PostgresError>) -> Bool { settle { _ in answer } }

    /// The task is cancelled: it is answered now, whatever the server does.
    func cancel() { settle { wasSent in .failure(.cancelled(wasSent: wasSent)) } }

    /// Whether it was sent and how it is answered is decided in one step, so that the answer is true.
    @discardableResult
    private func settle(_ answer: (_ wasSent: Bool) -> Result<Answer, PostgresError>) -> Bool {
        let settled = state.withLock { state -> (continuation: Continuation?, answer: Result<Answer, PostgresError>)? in
            guard !state.isAnswered else { return nil }
            state.isAnswered = true
            let answer = answer(state.wasSent)
            let continuation = state.continuation
            state.continuation = nil
            if continuation == nil { state.early = answer }
            return (continuation, answer)
        }
        guard let settled else { return false }
        settled.continuation?.resume(returning: settled.answer)
        return true
    }

    /// The I/O thread is about to send it. Returns false when nobody waits any more, so that it isn't sent.
    func beginSending() -> Bool {
        state.withLock { state in
            guard !state.isAnswered else { return false }
            state.wasSent = true
            return true
        }
    }
}
