import Crypto
import Testing

@testable import AMQP

/// Messages by whoever may publish, through a real broker and back.
@Suite(.timeLimit(.minutes(5))) struct HostileMessageTests {
    private func received(_ count: Int, from subscription: AMQPSubscription) async -> [Delivery] {
        var all: [Delivery] = []
        for await batch in subscription.batches {
            all += batch.deliveries
            if all.count >= count { break }
        }
        return all
    }

    @Test func `headers as deep as a frame allows arrive, travel on and come back as they were`() async throws {
        let queue = Broker.queue()
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            let sent = [
                WirePropertiesTests.deepest(tables: true), WirePropertiesTests.deepest(tables: false),
                WirePropertiesTests.nested(2000, kinds: Array("FAF".utf8)),
            ]
            func publish(_ wires: [WireProperties]) async throws {
                // The broker takes its time to read them, on a busy machine a lot of it.
                try await publisher.publish(
                    wires.map { OutgoingMessage(exchange: "", routingKey: queue.name, body: [1], wire: $0) },
                    deadline: .seconds(110))
            }
            try await publish(sent)
            try await Broker.withConsumer { consumer in
                let subscription = try await consumer.subscribe(to: queue.name, prefetch: 10)
                let first = await received(3, from: subscription)
                #expect(first.map(\.wire) == sent)
                try await publish(first.compactMap { $0.wire.forwarded(without: { _ in false }) })
                let second = await received(3, from: subscription)
                #expect(second.map(\.wire) == sent)
                #expect(consumer.status().reconnects == 0 && publisher.status().reconnects == 0)
            }
        }
    }

    @Test(arguments: WireTextTests.strange) func `bytes that are no text come back from the broker as they went`(
        _ bytes: [UInt8]
    ) async throws {
        let queue = Broker.queue()
        let text = WireText.text(bytes)
        // A name has 255 bytes at most.
        let name = bytes.count < 255 ? "\(text)k" : text
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            var properties = MessageProperties(
                messageID: text, contentType: text, type: text, appID: text, correlationID: text, replyTo: text,
                headers: [name: .string(text), "table": .table([text: .array([.string(text)])])])
            properties.contentEncoding = text
            try await publisher.publish([
                OutgoingMessage(exchange: "", routingKey: queue.name, properties: properties, body: bytes)
            ])
            try await Broker.withConsumer { consumer in
                let subscription = try await consumer.subscribe(to: queue.name, prefetch: 1)
                let delivery = try #require(await received(1, from: subscription).first)
                #expect(delivery.properties == properties && delivery.body == bytes)
                #expect(delivery.wire.bytes.count == WireProperties(properties)?.bytes.count)
            }
        }
    }

    @Test func `of a body over the limit the beginning, the size and the digest are kept`() async throws {
        let queue = Broker.queue()
        var configuration = try Broker.configuration()
        configuration.maxReceivedBytes = 200_000
        let limited = configuration
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            let bodies = [200_000, 200_001, 3_000_000].map { size in
                (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            }
            try await publisher.publish(bodies.map { OutgoingMessage(exchange: "", routingKey: queue.name, body: $0) })
            try await Broker.withConsumer(configuration: limited) { consumer in
                let subscription = try await consumer.subscribe(to: queue.name, prefetch: 10)
                let seen = await received(3, from: subscription)
                #expect(seen.map(\.isCut) == [false, true, true])
                #expect(seen.map(\.bodySize) == bodies.map(\.count))
                #expect(
                    seen.map(\.body) == [bodies[0], Array(bodies[1].prefix(65_536)), Array(bodies[2].prefix(65_536))])
                #expect(seen.map(\.bodyDigest) == bodies.map { Array(SHA256.hash(data: $0)) })
                #expect(seen[2].cut(to: 10).bodyDigest == seen[2].bodyDigest)
                #expect(seen[0].cut(to: 10).digest == seen[0].digest && seen[0].cut(to: 10).isCut)
            }
        }
    }

    @Test func `large deliveries that wait stop the reading, and what is settled lets it go on`() async throws {
        let queue = Broker.queue()
        var configuration = try Broker.configuration()
        configuration.maxBytesInHand = 3_000_000
        let bounded = configuration
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            let body = [UInt8](repeating: 7, count: 500_000)
            try await publisher.publish(
                (0..<40).map { number in
                    OutgoingMessage(
                        exchange: "", routingKey: queue.name, properties: MessageProperties(messageID: "\(number)"),
                        body: body)
                })
            try await Broker.withConsumer(configuration: bounded) { consumer in
                let subscription = try await consumer.subscribe(to: queue.name, prefetch: 100)
                var held: [DeliveryTag] = []
                var seen: [String] = []
                var most = 0
                for await batch in subscription.batches {
                    held += batch.deliveries.map(\.tag)
                    seen += batch.deliveries.compactMap(\.properties.messageID)
                    most = max(most, held.count)
                    if held.count * body.count > bounded.maxBytesInHand || seen.count == 40 {
                        subscription.acknowledge(held)
                        held = []
                    }
                    if seen.count == 40 { break }
                }
                #expect(seen == (0..<40).map { "\($0)" })
                // One that was under way may end.
                #expect(most <= 8, "\(most) of 500,000 bytes were in hand")
                #expect(consumer.status().reconnects == 0)
            }
        }
    }
}
