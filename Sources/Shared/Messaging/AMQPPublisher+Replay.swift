package import AMQP
package import Spool

extension AMQPPublisher {
    /// Publishes messages from the spool. A lane without a queue doesn't hold them up: the broker keeps such an order
    /// among its dead letters, where a person finds it. Nor does one that the broker refuses for what it is. Their size was
    /// judged when they were called safe, by the limit of then: only the broker may refuse one for it now.
    /// - Returns: those that AMQP can't carry at all, or that the broker refuses: their positions, and why.
    package func replay(_ records: [SpoolRecord], deadline: Duration) async throws(AMQPError) -> [Int: String] {
        let refusals = try await publishEach(
            records.map { OutgoingMessage($0) }, deadline: deadline, isLimited: false
        ) { _ in }
        for (index, refusal) in refusals where Self.mayPass(refusal, records[index]) { throw refusal }
        return refusals.mapValues { "\($0)" }
    }

    /// Whether it is no fault of the record's, and may pass later: it waits.
    private static func mayPass(_ refusal: AMQPError, _ record: SpoolRecord) -> Bool {
        switch refusal {
        // Its queue may come back.
        case .returned: true
        // Moose's own exchanges come back with whoever declares them, and a right on one is missing for all alike.
        case .notFound: MooseTopology.exchanges.contains(record.exchange)
        case .accessRefused(let text): MooseTopology.exchanges.contains(record.exchange) && !text.contains("topic '")
        default: false
        }
    }

    /// Publishes messages so that one that can't pass holds up no other. Those of one exchange keep their order.
    ///
    /// - Parameters:
    ///   - isLimited: false: only the broker limits a body's size.
    ///   - confirmed: hears of the positions that the broker has taken, also before this throws.
    /// - Returns: why others were refused for what they are or for where they go, by their positions. What was in one batch
    ///   with such a message may have been published twice.
    /// - Throws: what concerns all alike: a broker that is away or full, a user that may not log in.
    package func publishEach(
        _ messages: [OutgoingMessage], deadline: Duration, isLimited: Bool = true, confirmed: ([Int]) -> Void
    ) async throws(AMQPError) -> [Int: AMQPError] {
        var refused: [Int: AMQPError] = [:]
        var pieces: [[Int]] = []
        // A missing or forbidden exchange ends the batch for all that is in it, so each exchange has its own.
        for piece in Self.byExchange(messages) {
            let exchange = messages[piece[0]].exchange
            if await isMissing(exchange) {
                for index in piece { refused[index] = .notFound("there is no exchange '\(exchange)'") }
            } else {
                pieces.append(piece)
            }
        }
        pieces.reverse()
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
                case .notFound(let text), .accessRefused(let text):
                    // Words that don't name the exchange are about the user or the virtual host, and so about all.
                    guard messages[piece[0]].isExchange(namedIn: text) else { throw error }
                    // A right may end at a topic, which is the routing key: then the others of the exchange go on.
                    let named = piece.filter { text.contains("topic '\(messages[$0].routingKey)'") }
                    for index in named.isEmpty ? piece : named { refused[index] = error }
                    let others = piece.filter { refused[$0] == nil }
                    if !others.isEmpty { pieces.append(others) }
                case .preconditionFailed(AMQPError.publishing, _), .channelClosed(code: 311, _),
                    .channelClosed(code: 406, _):
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

    /// The positions of the messages of each exchange, in their order. Names are compared as bytes, as the broker does.
    private static func byExchange(_ messages: [OutgoingMessage]) -> [[Int]] {
        var places: [[UInt8]: Int] = [:]
        var pieces: [[Int]] = []
        for (index, message) in messages.enumerated() {
            let name = Array(message.exchange.utf8)
            if let place = places[name] {
                pieces[place].append(index)
            } else {
                places[name] = pieces.count
                pieces.append([index])
            }
        }
        return pieces
    }

    /// Looking disturbs nobody, while publishing to a missing exchange closes the channel for all that is under way.
    private func isMissing(_ exchange: String) async -> Bool {
        // The default exchange can't be looked for; what is no exchange's name is refused as a message.
        guard !exchange.isEmpty, exchange.utf8.count <= 255 else { return false }
        do {
            return try await !exchangeExists(exchange)
        } catch {
            // Nobody can tell now: publishing has the patience to wait for a connection, and says what is wrong.
            return false
        }
    }
}
