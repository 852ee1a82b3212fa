package import AMQP
internal import FoundationEssentials
internal import Messaging
package import Store

/// What a redrive changes of each message; nil: as it was.
package struct Redrive: Sendable {
    /// Where it goes instead; for a lane, the exchange of work and the lane as routing key.
    package var exchange: String?
    package var routingKey: String?
    /// Another body.
    package var body: (@Sendable (LeasedLetter) throws -> [UInt8])?
    /// The letter's own id becomes the message's: new to Moose, and the same each time it is tried.
    package var hasNewID = false

    package init() {}

    /// Why this letter would only come back, or nil.
    package func obstacle(_ letter: LeasedLetter) -> String? {
        switch letter.reason {
        case "id_reused" where !hasNewID:
            "its id belongs to another order; --new-id gives it one of its own"
        case "unknown_work_order" where body == nil:
            "it names an order that doesn't exist and holds nothing else; purge it"
        default: nil
        }
    }

    /// The message as it is published again: with its own properties, without what the broker wrote into its headers.
    ///
    /// - Throws: `DecodingError` when what is stored can't be read; what `body` throws.
    package func message(_ letter: LeasedLetter) throws -> OutgoingMessage {
        var properties = try MessageProperties(json: letter.headers)
        properties.headers = RedriveMark(letter: letter.id, number: letter.number)
            .added(to: BrokerDeath.stripped(properties.headers))
        if hasNewID { properties.messageID = letter.id.uuidString.lowercased() }
        return OutgoingMessage(
            exchange: exchange ?? letter.exchange, routingKey: routingKey ?? letter.routingKey, properties: properties,
            body: try body?(letter) ?? letter.body, mandatory: true)
    }
}
