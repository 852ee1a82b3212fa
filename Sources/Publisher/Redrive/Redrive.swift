package import AMQP
internal import FoundationEssentials
internal import Messaging
package import Store
internal import WorkOrders

/// What a redrive changes of each message; nil: as it was.
package struct Redrive: Sendable {
    /// Where it goes instead; for a lane, the exchange of work and the lane as routing key.
    package var exchange: String?
    package var routingKey: String?
    /// Another body.
    package var body: (@Sendable (LeasedLetter) throws -> [UInt8])?
    /// The letter's own id becomes the message's: new to Moose, and the same each time it is tried.
    package var hasNewID = false
    /// The other body doesn't come from the letter's own.
    package var replacesBody = false

    package init() {}

    /// Why this letter would only come back, or nil.
    package func obstacle(_ letter: LeasedLetter) -> String? {
        if let size = letter.cutSize, body == nil || hasNewID && !replacesBody {
            return
                "only the first \(letter.body.count) of its \(size) bytes were kept; publish it anew, or --body sends "
                + "another in its place"
        }
        return switch letter.reason {
        case .idReused where !hasNewID:
            "its id belongs to another order; --new-id gives it one of its own"
        case .unknownWorkOrder where body == nil:
            "it names an order that doesn't exist and holds nothing else; purge it"
        default: nil
        }
    }

    /// The message as it is published again: with its own properties, without what the broker wrote into its headers.
    ///
    /// - Throws: `DecodingError` or ``UnreadableProperties`` when what is stored can't be read; what `body` throws.
    package func message(_ letter: LeasedLetter) throws -> OutgoingMessage {
        let stored =
            try letter.properties.map(WireProperties.init(bytes:))
            ?? WireProperties(MessageProperties(json: letter.headers))
        let body = try body?(letter) ?? letter.body
        let mark = RedriveMark(letter: letter.id, number: letter.number, key: letter.key, body: body)
        let wire = stored?.forwarded(
            without: BrokerDeath.isOwnHeader, adding: mark.headers,
            messageID: hasNewID ? letter.id.uuidString.lowercased() : nil)
        guard let wire else { throw UnreadableProperties() }
        return OutgoingMessage(
            exchange: exchange ?? letter.exchange, routingKey: routingKey ?? letter.routingKey,
            properties: wire.readable, body: body, mandatory: true, wire: wire)
    }

    /// AMQP can't carry what is stored of a message.
    package struct UnreadableProperties: Error {}
}
