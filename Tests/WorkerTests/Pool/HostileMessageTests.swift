import AMQP
import FoundationEssentials
import Messaging
import Postgres
import Store
import Testing
import WorkOrders

@testable import Worker

/// Messages that no database would take as they are, among good ones: each is one dead letter, or runs.
struct HostileMessageTests {
    private static let texts: [[UInt8]] = [
        Array("a\0b".utf8), [0xff, 0x41], [0xc3, 0x28, 0], Array("corr-".utf8) + [0xe4],
    ]

    private static let done = PoolScriptedHandler.registry { _ in
        .completed(AttemptReport(didStart: true, cost: .zero))
    }

    /// A message with this text in every property and header that may hold one.
    private static func message(_ text: String, id: String?, body: [UInt8]) -> OutgoingMessage {
        var message = OutgoingMessage.workOrder(id: .timeOrdered(), lane: "default", body: body)
        message.properties.messageID = id
        message.properties.appID = text
        message.properties.contentType = text
        message.properties.contentEncoding = text
        message.properties.correlationID = text
        message.properties.type = text
        message.properties.headers = [
            text: .string(text), "traceparent": .string(text),
            "deep": .table(["x": .array([.table([text: .string(text)])])]),
        ]
        return message
    }

    @Test func `text that is none, wherever AMQP carries it, is one dead letter each and stops nobody`() async throws {
        try await PoolBench.open { bench in
            try await bench.withPool(Self.done) { pool, _ in
                let texts = Self.texts.map(WireText.text)
                var messages = texts.map { Self.message($0, id: UUID.timeOrdered().uuidString, body: [0x78]) }
                messages += texts.map { Self.message($0, id: $0, body: Array(#"{"kind":"work","title":"t"}"#.utf8)) }
                try await bench.publisher.publish(messages)
                try await bench.publishWork(5)
                try await bench.waitFor(5, "moose.work_orders WHERE state = 'completed'")
                try await bench.waitFor(8, "moose.dead_letters")
                #expect(pool.trouble == nil)
                let rows = try await bench.control.postgres.run(
                    "SELECT properties, headers ->> 'app_id' FROM moose.dead_letters"
                ).rows
                let stored = try rows.map { try $0.decode(0, as: [UInt8].self) }
                #expect(
                    Set(stored.map { WireProperties(bytes: $0).readable.appID }) == Set(texts), "the bytes that came")
                #expect(Set(try rows.map { try $0.decode(1, as: String?.self) }) == Set(texts), "and a text that tells")
            }
        }
    }

    @Test func `a good order runs whatever bytes its properties hold, and its reply goes back with the same`()
        async throws
    {
        try await PoolBench.open { bench in
            try await bench.withPool(Self.done) { _, _ in
                let replies = "replies"
                let queue = Topology.QueueDeclaration(
                    name: replies, durable: false, exclusive: false, autoDelete: false)
                try await bench.publisher.declare(Topology(queues: [queue]))
                let messages = Self.texts.map { bytes in
                    var message = Self.message(
                        WireText.text(bytes), id: UUID.timeOrdered().uuidString,
                        body: Array(#"{"kind":"work","title":"t"}"#.utf8))
                    message.properties.type = nil
                    message.properties.replyTo = replies
                    return message
                }
                // No queue can have the name that its outcome is asked for under; the others' outcomes go on.
                var lost = Self.message(
                    "a", id: UUID.timeOrdered().uuidString, body: Array(#"{"kind":"work","title":"t"}"#.utf8))
                lost.properties.type = nil
                lost.properties.replyTo = WireText.text(Array("replies-".utf8) + [0xe4])
                try await bench.publisher.publish([lost])
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed'")
                try await bench.publisher.publish(messages)
                try await bench.waitFor(5, "moose.work_orders WHERE state = 'completed'")
                let consumer = try AMQPConsumer(configuration: try AMQPConfiguration(url: bench.amqpURL))
                try await consumer.connect()
                let subscription = try await consumer.subscribe(to: replies, prefetch: 10)
                var seen: [String?] = []
                for await batch in subscription.batches {
                    seen += batch.deliveries.map(\.properties.correlationID)
                    if seen.count >= 4 { break }
                }
                await consumer.close()
                #expect(Set(seen) == Set(Self.texts.map(WireText.text)))
            }
        }
    }

    @Test func `a message refused for its id keeps its properties, too`() async throws {
        try await PoolBench.open { bench in
            try await bench.withPool(Self.done) { _, _ in
                let id = UUID.timeOrdered()
                let text = WireText.text(Self.texts[0])
                try await bench.publish([(id, #"{"kind":"work","title":"t"}"#)])
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed'")
                var copy = Self.message(text, id: id.uuidString, body: Array(#"{"kind":"work","title":"u"}"#.utf8))
                copy.properties.type = nil
                var doorbell = Self.message(text, id: UUID.timeOrdered().uuidString, body: Array("with a body".utf8))
                doorbell.properties.type = MessageType.registered
                try await bench.publisher.publish([copy, doorbell])
                try await bench.waitFor(
                    2, "moose.dead_letters WHERE properties IS NOT NULL AND headers ->> 'app_id' = '\(text)'")
                try await bench.waitFor(
                    1, "moose.dead_letters WHERE reason = 'unknown_work_order' AND body = 'with a body'")
            }
        }
    }

    @Test func `a body over the limit is kept by its beginning, its size and its digest`() async throws {
        try await PoolBench.open { bench in
            try await bench.withPool(Self.done) { configuration in
                configuration.maxMessageBytes = 100_000
            } _: { _, _ in
                let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
                try await bench.publisher.publish([.workOrder(id: .timeOrdered(), lane: "default", body: body)])
                try await bench.publishWork(1)
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed'")
                try await bench.waitFor(
                    1,
                    """
                    moose.dead_letters WHERE reason = 'oversize' AND cut_size = 300000 AND length(body) = 65536
                    AND length(cut_sha256) = 32
                    """)
            }
        }
    }

    @Test func `a batch to the database ends where its bodies are large`() {
        func state(_ sizes: [Int], slots: Int = 100) -> PoolState {
            var state = PoolState(lanes: [.init(name: "a", slots: slots)])
            let deliveries = sizes.enumerated().map { tag, size in
                Delivery(
                    tag: DeliveryTag(epoch: 1, tag: UInt64(tag + 1)), body: [UInt8](repeating: 0, count: size),
                    properties: MessageProperties(), exchange: "", routingKey: "", redelivered: false)
            }
            #expect(state.arrive(deliveries, lane: 0, at: .now) { _ in false })
            return state
        }
        var large = state([9_000_000, 9_000_000, 9_000_000])
        #expect(large.takeClaimable(upTo: 100).count == 2)
        #expect(large.takeClaimable(upTo: 100).count == 1)
        var small = state([UInt8](repeating: 0, count: 100).map { _ in 1000 })
        #expect(small.takeClaimable(upTo: 100).count == 100)
        var overdue = state([9_000_000, 9_000_000, 9_000_000], slots: 0)
        let terms = RegistrationTerms(patience: .zero)
        #expect(overdue.takeRegistrable(terms, at: .now + .seconds(1), upTo: 100).count == 2)
        #expect(overdue.takeRegistrable(terms, at: .now + .seconds(1), upTo: 100).count == 1)
    }
}
