import AMQP
import DatabaseSupport
import FoundationEssentials
import Messaging
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// Orders of a lane that nobody works: the Client Manager registers them, and lets go when a worker is there.
@Suite(.serialized)
struct LaneRegistrarTests {
    private static let queue = MooseTopology.workQueue(lane: "default")

    private static func message(_ id: UUID?, _ body: String, priority: UInt8? = nil) -> OutgoingMessage {
        var properties = MessageProperties()
        properties.messageID = id?.uuidString.lowercased()
        properties.priority = priority
        return OutgoingMessage(
            exchange: MooseTopology.workExchange, routingKey: "default", properties: properties, body: Array(body.utf8))
    }

    @Test func `what is published to a lane without a worker is registered once each, within seconds`() async throws {
        try await Desk.open { desk in
            _ = try await desk.store.lanesToLookAt(configured: ["default"])
            let ids = (0..<300).map { _ in UUID.timeOrdered() }
            let order = #"{"kind":"work","title":"t","project":"textkit"}"#
            try await desk.publisher.publish(
                ids.map { Self.message($0, order) } + [Self.message(ids[0], order), Self.message(ids[1], order)])
            try await eventually("all are registered", timeout: .seconds(30)) {
                try await desk.database.count("moose.waiting WHERE state = 'pending' AND due <= now()") == 300
            }
            #expect(
                try await desk.database.count("moose.work_orders WHERE attempt = 0 AND unknown_since IS NULL") == 300)
            try await eventually("nothing is left on the broker") {
                try await desk.publisher.queueStatistics(Self.queue)?.messages == 0
            }
            #expect(try await desk.database.count("moose.dead_letters") == 0)
        }
    }

    @Test func `what is no order, or takes another's id, is a dead letter, and the others are registered`() async throws
    {
        try await Desk.open { desk in
            _ = try await desk.store.lanesToLookAt(configured: ["default"])
            let id = UUID.timeOrdered()
            try await desk.publisher.publish([
                Self.message(id, #"{"kind":"work","title":"first"}"#, priority: 200), Self.message(nil, "no JSON"),
                Self.message(id, #"{"kind":"work","title":"second"}"#),
            ])
            try await eventually("all are dealt with", timeout: .seconds(30)) {
                try await desk.database.count("moose.dead_letters WHERE reason IN ('malformed', 'id_reused')") == 2
            }
            #expect(
                try await desk.database.count("moose.waiting WHERE rank = 0") == 1, "a priority above 9 counts as 9")
            #expect(try await desk.database.count("moose.work_orders") == 1)
        }
    }

    @Test func `a queue that somebody consumes is left to him`() async throws {
        try await Desk.open { desk in
            _ = try await desk.store.lanesToLookAt(configured: ["default"])
            let worker = try AMQPConsumer(
                configuration: desk.broker, topology: MooseTopology.topology(lanes: ["default"]))
            try await worker.connect()
            // It takes one and keeps it.
            let subscription = try await worker.subscribe(to: Self.queue, prefetch: 1)
            try await desk.publisher.publish(
                (0..<5).map { _ in Self.message(.timeOrdered(), #"{"kind":"work","title":"t"}"#) })
            try await Task.sleep(for: .seconds(3))
            #expect(try await desk.database.count("moose.work_orders") == 0)
            await subscription.close()
            try await eventually("nobody consumes it any more", timeout: .seconds(30)) {
                try await desk.database.count("moose.waiting") == 5
            }
            // Somebody who works is there again, and has said so.
            let registration = WorkerRegistration(
                id: UUID(), host: "h", pid: 1, version: "1", lanes: ["default"], kinds: ["work"], slots: 1)
            try await desk.store.announce(registration, running: 0)
            _ = try await worker.subscribe(to: Self.queue, prefetch: 1)
            try await eventually("the Client Manager has let go", timeout: .seconds(30)) {
                try await desk.publisher.queueStatistics(Self.queue)?.consumers == 1
            }
            await worker.close()
        }
    }
}
