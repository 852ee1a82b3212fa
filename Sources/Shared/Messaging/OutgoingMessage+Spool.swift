package import AMQP
internal import FoundationEssentials
package import Spool
internal import WorkOrders

extension OutgoingMessage {
    /// A message from the spool, as it would have been published.
    package init(_ record: SpoolRecord) {
        var properties = MessageProperties()
        properties.messageID = record.id.uuidString.lowercased()
        properties.type = record.type
        properties.contentType = record.contentType
        properties.appID = record.appID
        properties.correlationID = record.correlationID
        properties.replyTo = record.replyTo
        properties.headers = record.headers.mapValues { .string($0) }
        self.init(
            exchange: record.exchange, routingKey: record.routingKey, properties: properties, body: record.body,
            mandatory: record.exchange == MooseTopology.eventsExchange)
    }
}

extension SpoolRecord {
    /// Nil for a message without an id: replayed, it could count twice.
    package init?(_ message: OutgoingMessage) {
        guard let id = message.properties.messageID.flatMap(UUID.init(strict:)) else { return nil }
        let properties = message.properties
        self.init(
            id: id, exchange: message.exchange, routingKey: message.routingKey, type: properties.type,
            contentType: properties.contentType, appID: properties.appID, correlationID: properties.correlationID,
            replyTo: properties.replyTo,
            headers: properties.headers.compactMapValues { value in
                if case .string(let text) = value { text } else { nil }
            }, body: message.body)
    }
}
