package import AMQP
package import FoundationEssentials
package import WorkOrders

extension OutgoingMessage {
    /// A work order for its lane.
    /// - Parameter body: JSON as UTF-8, sent byte for byte.
    package static func workOrder(
        id: UUID, lane: String, body: [UInt8], appID: String? = nil, traceparent: String? = nil
    ) -> OutgoingMessage {
        var properties = MessageProperties()
        properties.messageID = id.uuidString.lowercased()
        properties.contentType = "application/json"
        properties.type = MessageType.workOrder
        properties.appID = appID
        if let traceparent { properties.headers["traceparent"] = .string(traceparent) }
        return OutgoingMessage(
            exchange: MooseTopology.workExchange, routingKey: lane, properties: properties, body: body)
    }

    /// An error event for the escalation queue. Mandatory: without the queue the exchange would swallow and confirm it.
    package static func errorEvent(_ event: ErrorEvent) throws -> OutgoingMessage {
        var properties = MessageProperties()
        properties.messageID = event.id.uuidString.lowercased()
        properties.contentType = "application/json"
        properties.type = MessageType.errorEvent
        return OutgoingMessage(
            exchange: MooseTopology.eventsExchange, routingKey: event.routingKey, properties: properties,
            body: Array(try JSONEncoder().encode(event)), mandatory: true)
    }
}
