/// One `publish` call under way, on the I/O thread.
final class PublishBatch {
    typealias Instant = ContinuousClock.Instant

    private enum State: UInt8 { case waiting, sent, nacked, returned, confirmed }

    let id: UInt64
    /// Empty once the batch is over, so that slots left behind hold no bodies.
    private(set) var messages: [OutgoingMessage]
    let deadline: Instant
    private let reply: Reply<Void>
    private var states: [State]
    private var unfinished: Int
    private var returnText = ""
    /// Answered; slots that still point here mean nothing any more.
    private(set) var isOver = false

    init(id: UInt64, messages: [OutgoingMessage], deadline: Instant, reply: Reply<Void>) {
        self.id = id
        self.messages = messages
        self.deadline = deadline
        self.reply = reply
        states = Array(repeating: .waiting, count: messages.count)
        unfinished = messages.count
    }

    func sent(_ index: Int) { states[index] = .sent }
    func nacked(_ index: Int) { if states[index] == .sent { states[index] = .nacked } }
    /// Its connection was lost, or it is to be sent again.
    func unsent(_ index: Int) { states[index] = .waiting }

    /// - Returns: false when this message can't be the one that came back.
    func returned(_ index: Int, _ opening: InboundFrame.ReturnOpening, messageID: String?, body: [UInt8]) -> Bool {
        guard !isOver, states[index] == .sent else { return false }
        let message = messages[index]
        guard message.mandatory, message.exchange == opening.exchange,
            message.routingKey == opening.routingKey, message.properties.messageID == messageID, message.body == body
        else { return false }
        states[index] = .returned
        returnText = "\(opening.text) (exchange '\(opening.exchange)', routing key '\(opening.routingKey)')"
        return true
    }

    /// The broker took the message over, or returned it before.
    func confirmed(_ index: Int) {
        guard !isOver else { return }
        if states[index] != .returned { states[index] = .confirmed }
        unfinished -= 1
        guard unfinished == 0 else { return }
        let returned = indexes { $0 == .returned }
        finish(returned.isEmpty ? .success(()) : .failure(.returned(returned, text: returnText)))
    }

    /// Ends it with what is known of each message.
    /// - Parameter cause: why the rest can't be waited for.
    func giveUp(_ cause: AMQPError) {
        let open = indexes { $0 != .confirmed }
        let kinds = Set(open.map { states[$0] })
        if kinds == [.nacked] {
            finish(.failure(.nacked(open)))
        } else if kinds == [.returned] {
            finish(.failure(.returned(open, text: returnText)))
        } else if open.count == messages.count, !kinds.contains(.returned) {
            finish(.failure(cause))
        } else {
            finish(.failure(.unconfirmed(open, reason: "\(cause)")))
        }
    }

    /// Refuses the whole batch for what one message is.
    func refuse(_ error: AMQPError) { finish(.failure(error)) }

    private func finish(_ result: Result<Void, AMQPError>) {
        guard !isOver else { return }
        isOver = true
        messages = []
        reply.resolve(result)
    }

    private func indexes(where matches: (State) -> Bool) -> [Int] { states.indices.filter { matches(states[$0]) } }
}
