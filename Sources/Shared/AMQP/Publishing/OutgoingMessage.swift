/// A message to publish.
package struct OutgoingMessage: Sendable, Equatable {
    /// Empty for the default exchange, where the routing key is a queue's name.
    package var exchange: String
    package var routingKey: String
    package var properties: MessageProperties
    package var body: [UInt8]
    /// Properties as they came, sent instead of ``properties``, which then only say what they are.
    package var wire: WireProperties?
    /// A message that reaches no queue comes back as ``AMQPError/returned(_:text:)``. Default false.
    package var mandatory: Bool

    package init(
        exchange: String, routingKey: String, properties: MessageProperties = MessageProperties(), body: [UInt8],
        mandatory: Bool = false, wire: WireProperties? = nil
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.properties = properties
        self.body = body
        self.mandatory = mandatory
        self.wire = wire
    }

    /// Whether these words, with which the broker closed a channel, are about the exchange it goes to.
    package func isExchange(namedIn text: String) -> Bool {
        text.contains("exchange '\(exchange.isEmpty ? "amq.default" : exchange)'")
    }

    /// Why AMQP can't carry this message, or nil.
    func defect(at index: Int, maxBytes: Int) -> AMQPError? {
        if body.count > maxBytes { return .messageTooLarge(index: index, bytes: body.count, limit: maxBytes) }
        let short = [
            ("exchange", exchange), ("routing key", routingKey), ("message id", properties.messageID ?? ""),
            ("content type", properties.contentType ?? ""), ("type", properties.type ?? ""),
            ("app id", properties.appID ?? ""), ("correlation id", properties.correlationID ?? ""),
            ("reply-to", properties.replyTo ?? ""), ("content encoding", properties.contentEncoding ?? ""),
            ("expiration", properties.expiration ?? ""),
        ]
        if let (name, _) = short.first(where: { WireText.bytes($0.1).count > 255 }) {
            return .invalidMessage(index: index, reason: "the \(name) is longer than 255 bytes")
        }
        return nil
    }
}
