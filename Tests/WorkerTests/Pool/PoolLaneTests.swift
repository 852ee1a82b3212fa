import AMQP
import FoundationEssentials
import Messaging
import Postgres
import Store
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// Pauses, limits and keys, as a worker lives with them.
@Suite(.serialized)
struct PoolLaneTests {
    private static let done = PoolScriptedHandler.registry { _ in
        .completed(AttemptReport(didStart: true, cost: .zero))
    }

    @Test func `a paused lane stays paused over a restart, shows what waits in it, and goes on when resumed`()
        async throws
    {
        try await PoolBench.open { bench in
            _ = try await bench.control.postgres.run("SELECT moose.pause_lane('default', 'ann', 'they burn')")
            try await bench.withPool(Self.done) { pool, _ in
                try await eventually("the lane is held") { pool.board.look { $0.lanes[0].isPaused } }
                try await bench.publishWork(30)
                try await bench.waitFor(30, "moose.waiting WHERE due <= now()", within: .seconds(30))
            }
            try await bench.withPool(Self.done) { pool, _ in
                try await eventually("the lane is held again") { pool.board.look { $0.lanes[0].isPaused } }
                try await bench.publishWork(3)
                try await bench.waitFor(33, "moose.waiting", within: .seconds(30))
                #expect(try await bench.count("moose.work_orders WHERE state <> 'pending' OR attempt > 0") == 0)
                _ = try await bench.control.postgres.run("SELECT moose.resume_lane('default', 'ann', 'put out')")
                try await bench.waitFor(33, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
            }
        }
    }

    @Test func `orders of one key run one at a time, and all of them`() async throws {
        try await PoolBench.open { bench in
            let now = Mutex((running: 0, most: 0))
            let handlers = PoolScriptedHandler.registry { _ in
                now.withLock { $0 = ($0.running + 1, max($0.most, $0.running + 1)) }
                await Task.yield()
                now.withLock { $0.running -= 1 }
                return .completed(AttemptReport(didStart: true, cost: .zero))
            }
            try await bench.withPool(handlers) { _, _ in
                try await bench.publish(
                    (1...12).map { _ in
                        (
                            .timeOrdered(),
                            #"{"kind":"work","title":"t","estimated_cost_usd":0,"concurrency_key":"repo"}"#
                        )
                    })
                try await bench.waitFor(12, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
            }
            #expect(now.withLock { $0.most } == 1)
            #expect(try await bench.count("moose.gate_waits") == 0)
        }
    }

    @Test func `an operator's weight reaches a running worker`() async throws {
        try await PoolBench.open { bench in
            try await bench.withPool(Self.done) { pool, _ in
                let set = "SELECT moose.set_lane_limits('default', 7, NULL, NULL, NULL, 'ann', NULL)"
                try await bench.control.postgres.runSimple(set)
                try await eventually("it is taken over") { pool.board.look { $0.lanes[0].weight } == 7 }
            }
        }
    }
}
