package import AMQP
internal import Messaging
package import Store
package import WorkOrders

/// Reads deliveries as orders. Pure.
package struct OrderReader: Sendable {
    /// Names, by index.
    package let lanes: [String]
    let maxMessageBytes: Int
    package let terms: ClaimTerms

    package init(lanes: [String], maxMessageBytes: Int, terms: ClaimTerms) {
        self.lanes = lanes
        self.maxMessageBytes = maxMessageBytes
        self.terms = terms
    }

    /// - Parameter lane: the index of the lane whose queue it came from.
    package func read(_ delivery: Delivery, lane: Int) throws(InvalidMessage) -> ClaimItem {
        guard !delivery.isCut else {
            throw InvalidMessage(.oversize, "the body has \(delivery.bodySize) bytes; the limit is \(maxMessageBytes)")
        }
        let lane = lanes[lane]
        var form = try WorkOrderMessage.decode(
            delivery.body, messageID: delivery.properties.messageID, lane: lane,
            isRegistered: delivery.properties.type == MessageType.registered, limit: maxMessageBytes)
        if case .order(var message) = form {
            // The queue it came from is its lane: retries then take the same way.
            message.lane = lane
            if message.priority == nil { message.priority = delivery.properties.priority.map { min(9, Int($0)) } }
            if terms.price(of: message, bytes: delivery.body.count) == .unknown {
                throw InvalidMessage(
                    .unknownPrice, "no estimated_cost_usd, and the kind \(message.kind) has no default price")
            }
            form = .order(message)
        }
        return ClaimItem(
            form: form, body: delivery.body, appID: delivery.properties.appID, replyTo: delivery.properties.replyTo,
            correlationID: delivery.properties.correlationID, traceparent: delivery.properties.traceparent,
            properties: delivery.wire.bytes)
    }
}

extension MessageProperties {
    /// W3C trace context of the publisher, as it came.
    fileprivate var traceparent: String? {
        if case .string(let text) = headers["traceparent"] { text } else { nil }
    }
}
