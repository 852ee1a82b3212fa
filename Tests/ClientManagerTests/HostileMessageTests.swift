import AMQP
import FoundationEssentials
import Messaging
import Postgres
import Publisher
import Store
import TestSupport
import Testing
import WorkOrders

/// What the broker's dead letters and events may hold, and what comes of a redrive or a move of it.
@Suite(.serialized) struct HostileMessageTests {
    /// A header of each type, among them those that have no match in JSON, and bytes that are no text.
    private static let headers: [UInt8] = {
        let deep = [UInt8](repeating: 0, count: 0)
        var table: [UInt8] = []
        func put(_ name: String, _ value: [UInt8]) { table += [UInt8(name.utf8.count)] + Array(name.utf8) + value }
        put("decimal", [0x44, 2, 0, 0, 1, 0x3a])
        put("negative", [0x44, 1, 0xff, 0xff, 0xff, 0xfb])
        put("float", [0x66, 0x3f, 0xc0, 0, 0])
        put("time", [0x54, 0, 0, 0, 0, 0x69, 0, 0, 0])
        put("bytes", [0x78, 0, 0, 0, 2, 0, 0xff])
        put("void", [0x56])
        put("nul", [0x53, 0, 0, 0, 3, 0x61, 0, 0x62])
        put("latin", [0x53, 0, 0, 0, 2, 0x61, 0xe4])
        return deep + table
    }()

    private static func wire(_ more: [UInt8] = [], id: UUID) -> WireProperties {
        let table = headers + more
        let length = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: table.count >> $0) }
        // Headers, persistent, a correlation id in Latin-1, a message id.
        return WireProperties(
            bytes: [0x34, 0x80] + length + table + [2, 5, 0x63, 0x6f, 0x72, 0xe4, 0, 36]
                + Array(id.uuidString.lowercased().utf8))
    }

    /// An entry of so many nested tables.
    private static func nested(_ levels: Int) -> [UInt8] {
        var entry: [UInt8] = [1, 0x68]
        for level in 0..<levels {
            let rest = (levels - level - 1) * 6 + 2
            entry += [0x46] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: rest >> $0) } + [0]
        }
        return entry + [0x56]
    }

    @Test(arguments: [0, 600, 21_000]) func `what a stranger's message held is stored, shown, and redriven as it came`(
        _ levels: Int
    ) async throws {
        try await Desk.open { desk in
            let id = UUID.timeOrdered()
            let wire = Self.wire(levels > 0 ? Self.nested(levels) : [], id: id)
            let lane = WireText.text(Array("no\0lane".utf8) + [0xff])
            for _ in 0..<2 {
                try await desk.publisher.publish([
                    OutgoingMessage(
                        exchange: MooseTopology.workExchange, routingKey: lane, body: [0, 0xff], wire: wire)
                ])
            }
            try await desk.publisher.publish([
                .workOrder(id: .timeOrdered(), lane: "nowhere", body: Array("{}".utf8))
            ])
            try await desk.waitFor(2, "moose.dead_letters WHERE reason = 'unroutable'")
            #expect(
                try await desk.count(
                    "moose.dead_letters WHERE work_order_id = '\(id)' AND headers ->> 'message_id' = lower('\(id)')")
                    == 1)
            let row = try #require(
                try await desk.store.postgres.run(
                    """
                    SELECT id, properties, routing_key, headers #>> '{headers,decimal,!decimal}'
                    FROM moose.dead_letters WHERE work_order_id = \(id)
                    """
                ).first)
            #expect(try row.decode(1, as: [UInt8].self) == wire.bytes)
            #expect(try row.decode(2, as: String.self) == lane)
            #expect(try row.decode(3, as: String?.self) == "3.14")

            try await desk.publisher.declare(Topology(queues: [.init(name: "repaired"), .init(name: "moved")]))
            let counts = try await desk.redriver().run(
                [try row.decode(0, as: UUID.self)], Desk.to("", "repaired"))
            #expect(counts.messages == 1 && counts.left.isEmpty)
            let consumer = try AMQPConsumer(configuration: desk.broker)
            try await consumer.connect()
            let peeked = try await QueuePeek(consumer: consumer, publisher: desk.publisher)
                .first(1, of: "repaired", isForced: false)
            #expect(peeked.first?.properties.messageID == id.uuidString.lowercased())
            let done = try await QueueMove(consumer: consumer, publisher: desk.publisher)
                .run("repaired", to: .init(exchange: "", routingKey: "moved"), count: 1, window: 10)
            #expect(done.moved == 1)
            await consumer.close()
            let arrived = try #require(try await desk.drain("moved", 1).first)
            #expect(arrived.body == [0, 0xff] && arrived.properties.headers["moose-redrive"] != nil)
            #expect(arrived.wire.forwarded(without: { $0 == "moose-redrive" }) == wire)
        }
    }

    @Test func `events with NUL, with deep headers and of any size are counted, and so is what follows`() async throws {
        try await Desk.open { desk in
            let bodies =
                [
                    #"{"component":"a\u0000b","operation":"x\u0000","message":"m\u0000","details":{"h\u0000":"v\u0000","handler":"\u0000"}}"#,
                    String(repeating: "[", count: 100_000), String(repeating: #"{"details":"#, count: 20_000),
                ].map { Array($0.utf8) } + [[UInt8](repeating: 0, count: 17 << 20)]
            for body in bodies {
                let wire = Self.wire(Self.nested(21_000), id: .timeOrdered())
                var configuration = desk.broker
                configuration.maxMessageBytes = 32 << 20
                let publisher = try AMQPPublisher(configuration: configuration)
                try await publisher.publish([
                    OutgoingMessage(
                        exchange: MooseTopology.eventsExchange, routingKey: "error.warning.x", body: body, wire: wire)
                ])
                await publisher.close()
            }
            try await desk.report([Desk.event("last", operation: "after")])
            try await desk.waitFor(1, "moose.escalations WHERE operation = 'after'")
            try await desk.waitFor(5, "moose.escalation_events")
            #expect(try await desk.count("moose.escalation_events WHERE details ->> 'handler' IS NOT NULL") == 1)
        }
    }

    @Test func `a letter whose body was cut says so and stays, unless it gets another body`() async throws {
        try await Desk.open { desk in
            var configuration = desk.broker
            configuration.maxMessageBytes = 32 << 20
            let publisher = try AMQPPublisher(configuration: configuration)
            try await publisher.publish([
                .workOrder(id: .timeOrdered(), lane: "nowhere", body: [UInt8](repeating: 0x20, count: 17 << 20))
            ])
            await publisher.close()
            try await desk.waitFor(1, "moose.dead_letters WHERE cut_size = \(17 << 20) AND length(body) = 65536")
            let letters = try await desk.letters()
            try await desk.publisher.declare(Topology(queues: [.init(name: "target")]))
            for redrive in [Desk.to("", "target"), Desk.toLane("default")] {
                let counts = try await desk.redriver().run(letters, redrive)
                #expect(counts.messages == 0 && counts.left.count == 1)
                #expect(counts.left.first?.why.contains("65536 of its 17825792 bytes") == true)
            }
            var other = Desk.to("", "target")
            other.body = { _ in [1] }
            other.replacesBody = true
            #expect(try await desk.redriver().run(letters, other).messages == 1)
            #expect(try await desk.drain("target", 1).first?.body == [1])
        }
    }

    @Test func `a message over the limit is not moved in part`() async throws {
        try await Desk.open { desk in
            try await desk.publisher.declare(Topology(queues: [.init(name: "from"), .init(name: "to")]))
            try await desk.publisher.publish([
                OutgoingMessage(exchange: "", routingKey: "from", body: [UInt8](repeating: 1, count: 100_000))
            ])
            var configuration = desk.broker
            configuration.maxReceivedBytes = 99_999
            let consumer = try AMQPConsumer(configuration: configuration)
            try await consumer.connect()
            await #expect(throws: QueueMove.Refusal.self) {
                try await QueueMove(consumer: consumer, publisher: desk.publisher)
                    .run("from", to: .init(exchange: "", routingKey: "to"), count: 1, window: 10)
            }
            await consumer.close()
            try await eventually("it is where it was") { try await desk.queued("from") == 1 }
            #expect(try await desk.queued("to") == 0)
        }
    }
}
