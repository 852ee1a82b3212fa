import AMQP
import FoundationEssentials
import Messaging
import Publisher
import Spool
import Stack
import TestSupport
import Testing
import WorkOrders

/// A caller whose broker is down loses no order and no place in the line.
struct SpoolingPublisherTests {
    private func orders(_ count: Int, lane: String = "default") -> [OutgoingMessage] {
        (0..<count).map { _ in
            .workOrder(id: .timeOrdered(), lane: lane, body: Array(#"{"kind":"k","title":"t"}"#.utf8), appID: "tests")
        }
    }

    private func ids(_ messages: [OutgoingMessage]) -> [String?] { messages.map(\.properties.messageID) }

    @Test func `orders of an outage go out first, in their order, when the broker is back`() async throws {
        try await NetsBench.open { bench in
            let publisher = SpoolingPublisher(bench.publisher, spool: try Spool(folder: bench.folder))
            let (before, first, second, third) = (orders(1), orders(1200), orders(7), orders(3))
            #expect(try await publisher.publish(before) == .published(replayed: 0))
            try await bench.stack.stop()
            for batch in [first, second] {
                guard case .spooled = try await publisher.publish(batch, patience: .seconds(1)) else {
                    Issue.record("there is no broker")
                    return
                }
            }
            _ = try await bench.stack.start()
            try await eventually("the spool is sent", timeout: .seconds(120)) { try await isSent(publisher, bench) }
            // A broker that has just started may be slow to take them, and then they are spooled as well.
            _ = try await publisher.publish(third, patience: .seconds(30))
            try await eventually("the last are sent", timeout: .seconds(120)) { try await isSent(publisher, bench) }
            // What was sent twice comes twice, but never out of turn.
            #expect(try await received(bench, 1211) == ids(before + first + second + third))
        }
    }

    private func isSent(_ publisher: SpoolingPublisher, _ bench: NetsBench) async throws -> Bool {
        do {
            _ = try await publisher.flush(patience: .seconds(10))
        } catch let error as AMQPError where error.isWorthSpooling {
            // It starts; the next look may find it.
            return false
        }
        return try bench.spoolFiles.isEmpty
    }

    @Test func `what waiting can't mend is an error and is not spooled`() async throws {
        try await NetsBench.open { bench in
            let publisher = SpoolingPublisher(bench.publisher, spool: try Spool(folder: bench.folder))
            await #expect(throws: UnknownLane.self) {
                _ = try await publisher.publish(orders(1, lane: "nowhere"))
            }
            var nameless = orders(2)
            nameless[1].properties.messageID = nil
            await #expect(throws: MessageWithoutID.self) { _ = try await publisher.publish(nameless) }
            #expect(try bench.spoolFiles.isEmpty)
        }
    }

    @Test func `what was called safe goes out whatever the limit is by then, and what is over it is never called safe`()
        async throws
    {
        try await NetsBench.open { bench in
            var configuration = try AMQPConfiguration(url: try bench.stack.amqpURL(virtualHost: "moose"))
            configuration.maxMessageBytes = 32 << 20
            let generous = try AMQPPublisher(configuration: configuration)
            let spool = try Spool(folder: bench.folder)
            var large = orders(3)
            large[1].body = [UInt8](repeating: 0x20, count: 20 << 20)
            _ = try await SpoolingPublisher(generous, spool: spool).keep(large)
            await generous.close()

            let strict = SpoolingPublisher(bench.publisher, spool: spool)
            await #expect(throws: AMQPError.messageTooLarge(index: 1, bytes: 20 << 20, limit: 16 << 20)) {
                _ = try await strict.keep(large)
            }
            let done = try await strict.flush(patience: .seconds(60))
            #expect(done.messages == 3 && done.linesAside == 0)
            #expect(try await received(bench, 3) == ids(large))
        }
    }

    @Test func `lines that the broker refuses are put aside by name, and the good ones beside and behind them go out`()
        async throws
    {
        try await NetsBench.open { bench in
            let (first, second) = (orders(3), orders(2))
            var bad = orders(3)
            bad[0].exchange = "no-such-exchange"
            bad[1].exchange = "amq.rabbitmq.trace"
            bad[2].properties.replyTo = "amq.rabbitmq.reply-to"
            // Two processes that are gone left a file each.
            for batch in [bad + first, second] {
                _ = try await SpoolingPublisher(bench.publisher, spool: try Spool(folder: bench.folder)).keep(batch)
            }
            let publisher = SpoolingPublisher(bench.publisher, spool: try Spool(folder: bench.folder))
            var done = SpoolReplay()
            try await eventually("their files are given back and sent", timeout: .seconds(60)) {
                let some = try await publisher.flush()
                done.messages += some.messages
                done.linesAside += some.linesAside
                done.refusals += some.refusals
                return done.messages >= 5
            }
            #expect(done.messages == 5 && done.linesAside == 3)
            #expect(done.refusals.map { $0.id.uuidString.lowercased() } == ids(bad))
            #expect(done.refusals.allSatisfy { !$0.why.isEmpty })
            #expect(try bench.spoolFiles.map { $0.hasSuffix(".unreadable") } == [true])
            #expect(try await Set(received(bench, 5)) == Set(ids(first + second)))
        }
    }

    /// What waits in the lane's queue, each id where it came first.
    private func received(_ bench: NetsBench, _ count: Int) async throws -> [String?] {
        let consumer = try AMQPConsumer(
            configuration: AMQPConfiguration(url: try bench.stack.amqpURL(virtualHost: "moose")), topology: nil)
        try await consumer.connect()
        let queue = MooseTopology.workQueue(lane: "default")
        let subscription = try await consumer.subscribe(to: queue, prefetch: 2000)
        var seen: [String?] = []
        var known: Set<String?> = []
        for await batch in subscription.batches {
            seen += batch.deliveries.map(\.properties.messageID).filter { known.insert($0).inserted }
            subscription.acknowledge(batch.deliveries.map(\.tag))
            if seen.count >= count { break }
        }
        await consumer.close()
        return seen
    }
}
