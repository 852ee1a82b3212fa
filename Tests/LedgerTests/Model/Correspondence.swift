import Synchronization

/// What the clients of one history asked and were answered.
final class Correspondence: Sendable {
    private struct State {
        var requests: [Int64: Request] = [:]
        var replies: [JournalEntry] = []
        var granted: Set<HoldName> = []
    }

    private let state = Mutex(State())

    var requests: [Int64: Request] { state.withLock { state in state.requests } }
    var replies: [JournalEntry] { state.withLock { state in state.replies } }

    /// Nobody moves a hold before somebody heard that it was granted: the moves of others are left out.
    func sent(_ planned: Request) -> Request {
        state.withLock { state in
            var request = planned
            if case .batch(var batch) = planned.kind {
                batch.moves.removeAll { move in !state.granted.contains(move.name) }
                request = Request(number: planned.number, kind: .batch(batch))
            }
            state.requests[request.number] = request
            return request
        }
    }

    func received(_ text: String, to request: Request) throws {
        let reply = JournalEntry(request: request.number, text: text)
        var granted: [HoldName] = []
        if case .batch(let batch) = request.kind {
            let answers = try reply.answers(to: batch).dropFirst(batch.moves.count)
            granted = zip(batch.reservations, answers).filter { _, answer in answer.answer != "refused" }.map(\.0.name)
        }
        state.withLock { state in
            state.replies.append(reply)
            state.granted.formUnion(granted)
        }
    }
}
