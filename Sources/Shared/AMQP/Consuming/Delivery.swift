internal import Crypto

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
///
/// A class, because it has some twenty fields and passes through a dozen hands: each takes one reference, not all of them.
package final class Delivery: Sendable, Equatable {
    package let tag: DeliveryTag
    /// Only its beginning where ``isCut``.
    package let body: [UInt8]
    /// For reading.
    package let properties: MessageProperties
    /// The properties exactly as they came.
    package let wire: WireProperties
    package let exchange: String
    package let routingKey: String
    /// The broker may have handed it out before.
    package let redelivered: Bool
    /// Bytes of the body as it was sent.
    package let bodySize: Int
    private let cutDigest: [UInt8]?

    /// - Parameters:
    ///   - wire: default the properties as this client would write them.
    ///   - bodySize: of a body that is not whole; nil: it is.
    ///   - cutDigest: SHA-256 of such a body.
    package init(
        tag: DeliveryTag, body: [UInt8], properties: MessageProperties, exchange: String, routingKey: String,
        redelivered: Bool, wire: WireProperties? = nil, bodySize: Int? = nil, cutDigest: [UInt8]? = nil
    ) {
        self.tag = tag
        self.body = body
        self.properties = properties
        self.wire = wire ?? WireProperties(properties) ?? WireProperties(bytes: [0, 0])
        self.exchange = exchange
        self.routingKey = routingKey
        self.redelivered = redelivered
        self.bodySize = bodySize ?? body.count
        self.cutDigest = cutDigest
    }

    package static func == (one: Delivery, other: Delivery) -> Bool {
        one.tag == other.tag && one.body == other.body && one.properties == other.properties && one.wire == other.wire
            && one.exchange == other.exchange && one.routingKey == other.routingKey
            && one.redelivered == other.redelivered && one.bodySize == other.bodySize
            && one.cutDigest == other.cutDigest
    }

    /// Its body was over the limit of this client, and only the beginning was kept.
    package var isCut: Bool { bodySize > body.count }

    /// SHA-256 of the body as it was sent.
    package var bodyDigest: [UInt8] { cutDigest ?? Array(SHA256.hash(data: body)) }

    /// The same however often the broker hands the message out, and another for any other message.
    package var digest: [UInt8] { wire.digest(bodyDigest: bodyDigest) }

    /// With only the beginning of a body that is longer than `count` bytes.
    package func cut(to count: Int = 65_536) -> Delivery {
        guard body.count > count else { return self }
        return Delivery(
            tag: tag, body: Array(body.prefix(count)), properties: properties, exchange: exchange,
            routingKey: routingKey, redelivered: redelivered, wire: wire, bodySize: bodySize, cutDigest: bodyDigest)
    }
}

/// What one read of the socket brought, in order; never empty.
package struct DeliveryBatch: Sendable, Equatable {
    package let deliveries: [Delivery]

    package init(deliveries: [Delivery]) { self.deliveries = deliveries }
}
