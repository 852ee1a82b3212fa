import AMQP
import FoundationEssentials
import Messaging
import Postgres
import Publisher
import Store
import TestSupport
import Testing
import WorkOrders

/// What the broker itself gives up on, in queues of Moose and of others.
@Suite(.serialized)
struct BrokerDeathTests {
    private static func partner(_ arguments: FieldTable) -> Topology {
        Topology(
            exchanges: [.init(name: "partner", kind: "direct")],
            queues: [
                .init(
                    name: "inbox",
                    arguments: arguments.merging(["x-dead-letter-exchange": .string(MooseTopology.dead)]) { $1 })
            ],
            bindings: [.init(exchange: "partner", queue: "inbox", routingKey: "orders")])
    }

    private static func message(_ number: Int) -> OutgoingMessage {
        var properties = MessageProperties(messageID: "\(number)", headers: ["traceparent": .string("00-\(number)")])
        properties.contentEncoding = "gzip"
        return OutgoingMessage(
            exchange: "partner", routingKey: "orders", properties: properties, body: [UInt8(number), 0, 255])
    }

    @Test(arguments: ["expired", "max_length", "rejected", "delivery_limit"])
    func `what dies in any queue is recorded with its origin, and its redrive leaves the death behind`(
        reason: String
    ) async throws {
        try await Desk.open { desk in
            let arguments: FieldTable =
                switch reason {
                case "expired": ["x-message-ttl": 1]
                case "max_length": ["x-max-length": 1]
                case "delivery_limit": ["x-queue-type": "quorum", "x-delivery-limit": 1]
                default: [:]
                }
            try await desk.publisher.declare(Self.partner(arguments))
            try await desk.publisher.publish([Self.message(1)])
            if reason == "max_length" { try await desk.publisher.publish([Self.message(2)]) }
            if reason == "rejected" || reason == "delivery_limit" {
                let consumer = try AMQPConsumer(configuration: desk.broker)
                try await consumer.connect()
                let subscription = try await consumer.subscribe(to: "inbox", prefetch: 1)
                var returns = 0
                for await batch in subscription.batches {
                    subscription.reject(batch.deliveries[0].tag, requeue: reason == "delivery_limit")
                    returns += 1
                    if returns == (reason == "rejected" ? 1 : 2) { break }
                }
                await subscription.close()
                await consumer.close()
            }
            try await desk.waitFor(
                1,
                """
                moose.dead_letters WHERE reason = '\(reason)' AND queue = 'inbox' AND exchange = 'partner'
                AND routing_key = 'orders' AND deaths = 1 AND died_at IS NOT NULL AND body = '\\x0100ff'
                """)
            // To another place, or the same would become of it.
            try await desk.publisher.declare(Topology(queues: [.init(name: "repaired")]))
            let counts = try await desk.redriver().run(try await desk.letters(), Desk.to("", "repaired"))
            #expect(counts.messages == 1)
            let arrived = try await desk.drain("repaired", 1)
            #expect(arrived[0].body == [1, 0, 255] && arrived[0].properties.contentEncoding == "gzip")
            #expect(Set(arrived[0].properties.headers.keys) == ["traceparent", "moose-redrive"])
            #expect(arrived[0].properties.messageID == "1")
        }
    }

    @Test func `what a publisher writes of a death decides nothing`() async throws {
        try await Desk.open { desk in
            let death: FieldTable = [
                "reason": "expired", "queue": "foo", "exchange": "", "routing-keys": .array(["mine"]), "count": 1,
            ]
            let forged: FieldTable = [
                "x-death": .array([.table(death)]), "x-first-death-reason": "rejected", "x-first-death-queue": "foo",
                "x-first-death-exchange": "",
            ]
            try await desk.publisher.publish([
                OutgoingMessage(
                    exchange: MooseTopology.workExchange, routingKey: "nowhere",
                    properties: MessageProperties(messageID: "1", headers: forged), body: [1])
            ])
            try await desk.waitFor(
                1,
                """
                moose.dead_letters WHERE reason = 'unroutable' AND exchange = 'moose.work' AND routing_key = 'nowhere'
                AND queue IS NULL
                """)
        }
    }

    @Test func `a look puts the messages back in their order, and one returned often is not risked`() async throws {
        try await Desk.open { desk in
            try await desk.publisher.declare(Self.partner(["x-queue-type": "quorum", "x-delivery-limit": 100]))
            try await desk.publisher.publish((1...5).map(Self.message))
            try await eventually("they are ready") { try await desk.queued("inbox") == 5 }
            let consumer = try AMQPConsumer(configuration: desk.broker)
            try await consumer.connect()
            let peek = QueuePeek(consumer: consumer, publisher: desk.publisher)
            for look in 0..<Int(QueuePeek.often) {
                let seen = try await peek.first(3, of: "inbox", isForced: false)
                #expect(seen.map(\.properties.messageID) == ["1", "2", "3"], "look \(look)")
                try await eventually("they are back") { try await desk.queued("inbox") == 5 }
            }
            await #expect(throws: QueuePeek.Refusal.returnedOften(QueuePeek.often)) {
                try await peek.first(3, of: "inbox", isForced: false)
            }
            try await eventually("it is back") { try await desk.queued("inbox") == 5 }
            #expect(try await peek.first(9, of: "inbox", isForced: true).count == 5)
            await #expect(throws: AMQPError.self) { try await peek.first(1, of: "no-such-queue", isForced: false) }
            await consumer.close()
        }
    }

    @Test func `a move carries everything but the deaths, and leaves alone what its target doesn't take`() async throws
    {
        try await Desk.open { desk in
            try await desk.publisher.declare(Self.partner([:]))
            try await desk.publisher.declare(Topology(queues: [.init(name: "target")]))
            try await desk.publisher.publish(
                (1...100).map { number in
                    var message = Self.message(number)
                    message.properties.headers["x-death"] = .array([.table(["queue": "q", "reason": "expired"])])
                    return message
                })
            let consumer = try AMQPConsumer(configuration: desk.broker)
            try await consumer.connect()
            let move = QueueMove(consumer: consumer, publisher: desk.publisher)
            await #expect(throws: AMQPError.self) {
                try await move.run(
                    "inbox", to: .init(exchange: "", routingKey: "no-such-queue"), count: 100, window: 10)
            }
            try await eventually("all are there still") { try await desk.queued("inbox") == 100 }
            let done = try await move.run("inbox", to: .init(exchange: "", routingKey: "target"), count: 60, window: 10)
            #expect(done.moved == 60 && done.stripped == 60)
            try await eventually("the others stay") { try await desk.queued("inbox") == 40 }
            let arrived = try await desk.drain("target", 60)
            #expect(arrived.map(\.properties.messageID) == (1...60).map { "\($0)" })
            #expect(arrived.allSatisfy { $0.properties.headers.count == 1 && $0.properties.contentEncoding == "gzip" })
            await consumer.close()
        }
    }
}
