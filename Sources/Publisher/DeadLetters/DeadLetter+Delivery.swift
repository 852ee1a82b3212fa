package import AMQP
internal import FoundationEssentials
package import Messaging
package import Store
package import WorkOrders

extension DeadLetter {
    /// A delivery that can't become a work order, with all its properties for whoever inspects or redrives it. Of a body over
    /// the limit only the beginning is kept, with its size and digest.
    ///
    /// - Parameter death: what the broker wrote when it gave the message up; nil where it did not. Anybody can write such
    ///   headers, so only who reads the dead queue asks for it.
    package init(_ problem: InvalidMessage, _ delivery: Delivery, death: BrokerDeath? = nil) {
        let delivery = problem.reason == .oversize ? delivery.cut() : delivery
        var properties = delivery.properties
        let deliveries = BrokerDeath.deliveryCount(properties.headers)
        let mark = RedriveMark(properties.headers)
        // It changes with every delivery, and the message doesn't.
        properties.headers["x-delivery-count"] = nil
        let (exchange, routingKey) = death?.origin ?? (delivery.exchange, delivery.routingKey)
        self.init(
            reason: problem.reason, explanation: problem.explanation,
            workOrderID: properties.messageID.flatMap(UUID.init(uuidString:)), exchange: exchange,
            routingKey: routingKey, body: delivery.body, headers: properties.json,
            isRedelivered: delivery.redelivered)
        self.properties = delivery.wire.bytes
        digest = delivery.digest
        if delivery.isCut {
            cutSize = Int64(delivery.bodySize)
            cutDigest = delivery.bodyDigest
        }
        self.deliveries = delivery.redelivered ? Int32(clamping: deliveries ?? 1) : 0
        queue = death?.queue
        deaths = death?.count
        diedAt = death?.time.map { Date(timeIntervalSince1970: Double(min($0, 253_402_300_799))) }
        redriveOf = mark?.letter
        redriveNumber = mark?.number
        redriveSeal = mark?.seal
        lane = exchange == MooseTopology.workExchange ? routingKey : nil
        kind = Self.kind(in: delivery.body)
    }

    /// What a body calls itself, to find the letter by; most that are refused can be read so far.
    private struct Kind: Decodable {
        let kind: String
    }

    private static func kind(in body: [UInt8]) -> String? {
        guard body.count <= 1 << 20 else { return nil }
        // Not readable: then it has none.
        guard let kind = try? JSONDecoder().decode(Kind.self, from: Data(body)).kind else { return nil }
        return kind.utf8.count <= 100 ? kind : nil
    }
}

extension BrokerDeath {
    /// Where the message had been published to; nil where it doesn't say. The broker keeps what a publisher wrote of an
    /// earlier death in the same queue: of Moose's own queues only their names are believed.
    var origin: (exchange: String, routingKey: String)? {
        let lanes = MooseTopology.workQueue(lane: "")
        if let queue, queue.hasPrefix(lanes) {
            return (MooseTopology.workExchange, String(queue.dropFirst(lanes.count)))
        }
        guard let exchange, let routingKey else { return nil }
        return (queue == MooseTopology.escalationsQueue ? MooseTopology.eventsExchange : exchange, routingKey)
    }
}
