package import AMQP
package import Spool

extension AMQPPublisher {
    /// Publishes messages from the spool. A lane without a queue doesn't hold them up: the broker keeps such an order
    /// among its dead letters, where a person finds it. Nor does one that the broker refuses for what it is. Their size was
    /// judged when they were called safe, by the limit of then: only the broker may refuse one for it now.
    /// - Returns: the positions of those that AMQP can't carry at all, or that the broker refuses.
    package func replay(_ records: [SpoolRecord], deadline: Duration) async throws(AMQPError) -> Set<Int> {
        let refusals = try await publishEach(
            records.map { OutgoingMessage($0) }, deadline: deadline, isLimited: false
        ) { _ in }
        for refusal in refusals.values {
            // Its queue may come back: it waits.
            if case .returned = refusal { throw refusal }
        }
        return Set(refusals.keys)
    }

    /// Publishes messages so that one that can't pass holds up no other.
    ///
    /// - Parameters:
    ///   - isLimited: false: only the broker limits a body's size.
    ///   - confirmed: hears of the positions that the broker has taken, also before this throws.
    /// - Returns: why others were refused for what they are, by their positions.
    /// - Throws: what concerns all alike: a broker that is away or full, a missing exchange, a missing right.
    package func publishEach(
        _ messages: [OutgoingMessage], deadline: Duration, isLimited: Bool = true, confirmed: ([Int]) -> Void
    ) async throws(AMQPError) -> [Int: AMQPError] {
        var pieces = messages.isEmpty ? [] : [Array(messages.indices)]
        var refused: [Int: AMQPError] = [:]
        while let piece = pieces.popLast() {
            do throws(AMQPError) {
                try await publish(piece.map { messages[$0] }, deadline: deadline, isLimited: isLimited)
                confirmed(piece)
            } catch {
                switch error {
                case .messageTooLarge(let index, _, _), .invalidMessage(let index, _):
                    // None of them was sent.
                    refused[piece[index]] = error
                    if piece.count > 1 {
                        pieces.append(piece.enumerated().filter { $0.offset != index }.map(\.element))
                    }
                case .returned(let indexes, _):
                    for index in indexes { refused[piece[index]] = error }
                    let homeless = Set(indexes)
                    confirmed(piece.enumerated().filter { !homeless.contains($0.offset) }.map(\.element))
                case .preconditionFailed, .channelClosed(code: 311, _), .channelClosed(code: 406, _):
                    // The broker closed the channel over one of them and doesn't say which.
                    if piece.count == 1 {
                        refused[piece[0]] = error
                    } else {
                        let middle = piece.count / 2
                        pieces += [Array(piece[middle...]), Array(piece[..<middle])]
                    }
                case .unconfirmed(let indexes, _), .nacked(let indexes):
                    let open = Set(indexes)
                    confirmed(piece.enumerated().filter { !open.contains($0.offset) }.map(\.element))
                    throw error
                default: throw error
                }
            }
        }
        return refused
    }
}
