import AMQP
import FoundationEssentials
import Logging
import Messaging
import Postgres
import Publisher
import Reporting
import Store
import Testing
import WorkOrders

/// Lanes without a worker, as a Client Manager sees them on broker and database.
struct LaneWatchTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func watch(_ desk: Desk, _ configured: [String]) -> LaneWatch {
        LaneWatch(
            store: desk.store, publisher: desk.publisher, configured: configured, logger: logger,
            reporter: Reporter(component: "test", logger: logger), patience: .zero)
    }

    @Test func `orders of a lane that was renamed are counted, told of once, and registered`() async throws {
        try await Desk.open { desk in
            let topology = MooseTopology.topology(lanes: ["default", "llm"])
            try await desk.publisher.declare(topology)
            try await desk.publisher.publish(
                (1...3).map { _ in
                    OutgoingMessage(
                        exchange: MooseTopology.workExchange, routingKey: "llm", properties: .init(),
                        body: Array(#"{"id":"\#(UUID.timeOrdered())","kind":"work","title":"t"}"#.utf8))
                }, deadline: .seconds(20))
            // It was configured once; no worker ever came.
            #expect(try await Self.watch(desk, ["default", "llm"]).look() == 1)
            #expect(try await Self.watch(desk, ["default"]).look() == 0, "told of once")
            try await desk.waitFor(1, "moose.untended() WHERE name = 'llm' AND stored = 3")
            try await desk.waitFor(1, "moose.escalations WHERE message LIKE '%llm%'")
        }
    }

    @Test func `a lane whose queue is gone is named by its stored orders`() async throws {
        try await Desk.open { desk in
            _ = try await desk.store.postgres.run(
                """
                INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
                VALUES (gen_random_uuid(), 'pending', 'work', 'gone', 't', now(), '{}', '')
                """)
            #expect(try await Self.watch(desk, ["default"]).look() == 1)
            try await desk.waitFor(1, "moose.escalations WHERE message LIKE '%gone%and it has no queue'")
        }
    }
}
