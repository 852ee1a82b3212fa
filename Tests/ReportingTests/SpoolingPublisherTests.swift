import AMQP
import FoundationEssentials
import Glibc
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
            let (first, second, third) = (orders(1200), orders(7), orders(3))
            try bench.stack.signal(.broker, SIGKILL)
            for batch in [first, second] {
                guard case .spooled = try await publisher.publish(batch, patience: .seconds(1)) else {
                    Issue.record("there is no broker")
                    return
                }
            }
            _ = try await bench.stack.start()
            try await eventually("the publisher is connected again", timeout: .seconds(60)) {
                do {
                    try await bench.publisher.connect()
                    return true
                } catch {
                    // It pauses between attempts.
                    return false
                }
            }
            #expect(try await publisher.publish(third, patience: .seconds(30)) == .published(replayed: 1207))
            #expect(try bench.spoolFiles.isEmpty)
            let seen = try await received(bench)
            #expect(seen == ids(first + second + third))
        }
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

    /// What waits in the lane's queue, in its order, until nothing more comes.
    private func received(_ bench: NetsBench) async throws -> [String?] {
        let consumer = try AMQPConsumer(
            configuration: AMQPConfiguration(url: try bench.stack.amqpURL(virtualHost: "moose")), topology: nil)
        try await consumer.connect()
        let queue = MooseTopology.workQueue(lane: "default")
        let subscription = try await consumer.subscribe(to: queue, prefetch: 2000)
        var seen: [String?] = []
        for await batch in subscription.batches {
            seen += batch.deliveries.map(\.properties.messageID)
            subscription.acknowledge(batch.deliveries.map(\.tag))
            if seen.count >= 1210 { break }
        }
        await consumer.close()
        return seen
    }
}
