/// Names one delivery on one channel; of no use after the channel was replaced.
package struct DeliveryTag: Sendable, Hashable {
    /// Counts the channels a subscription has had.
    package let epoch: UInt32
    package let tag: UInt64

    package init(epoch: UInt32, tag: UInt64) {
        self.epoch = epoch
        self.tag = tag
    }
}

/// A message from a queue. Acknowledge or reject its tag, or the broker keeps it reserved for this consumer.
package struct Delivery: Sendable, Equatable {
    package let tag: DeliveryTag
    package let body: [UInt8]
    package var properties: MessageProperties
    package let exchange: String
    package let routingKey: String
    /// The broker may have handed it out before.
    package var redelivered: Bool

    package init(
        tag: DeliveryTag, body: [UInt8], properties: MessageProperties, exchange: String, routingKey: String,
        redelivered: Bool
    ) {
        self.tag = tag
        self.body = body
        self.properties = properties
        self.exchange = exchange
        self.routingKey = routingKey
        self.redelivered = redelivered
    }
}

/// What one read of the socket brought, in order; never empty.
package struct DeliveryBatch: Sendable, Equatable {
    package let deliveries: [Delivery]

    package init(deliveries: [Delivery]) { self.deliveries = deliveries }
}
