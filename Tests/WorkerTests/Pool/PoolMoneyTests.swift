import FoundationEssentials
import Postgres
import Store
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// Money and work together, through a real worker. The caps of a new database: $100 a day.
@Suite(.serialized)
struct PoolMoneyTests {
    private static func dear(_ count: Int, usd: String) -> [(id: UUID, body: String)] {
        (0..<count).map { _ in (.timeOrdered(), #"{"kind":"work","title":"t","estimated_cost_usd":"\#(usd)"}"#) }
    }

    @Test func `orders that wait for money go on by themselves when the cap is raised`() async throws {
        try await PoolBench.open { bench in
            let handlers = PoolScriptedHandler.registry { job in
                .completed(AttemptReport(didStart: true, cost: job.estimate))
            }
            try await bench.withPool(handlers) { _, _ in
                try await bench.publish(Self.dear(5, usd: "30"))
                try await bench.waitFor(3, "moose.work_orders WHERE state = 'completed'")
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'awaiting_budget'")
                // Free work is not stopped by a full cap.
                try await bench.publish(Self.dear(1, usd: "0"))
                try await bench.waitFor(4, "moose.work_orders WHERE state = 'completed'")
                _ = try await bench.control.postgres.run(
                    """
                    SELECT moose.raise_budget('org', 'org', 'day', 120000000, now() + interval '1 hour', 'ada', 'launch')
                    """)
                try await bench.waitFor(5, "moose.work_orders WHERE state = 'completed'")
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'awaiting_budget'")
            }
            #expect(try await bench.count("moose.budget_buckets WHERE held_u <> 0") == 0)
            #expect(try await bench.count("moose.outcome_vectors WHERE success") == 5)
        }
    }

    @Test func `a hold given back pays for the next in line`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            let isFirst = Mutex(true)
            let handlers = PoolScriptedHandler.registry { _ in
                let isDear = isFirst.withLock { first in
                    defer { first = false }
                    return first
                }
                if isDear { await gate.pass() }
                return .completed(AttemptReport(didStart: true, cost: MicroUSD(microdollars: 1_000_000)))
            }
            try await bench.withPool(handlers) { _, _ in
                try await bench.publish(Self.dear(1, usd: "80"))
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'in_progress'")
                try await bench.publish(Self.dear(2, usd: "40"))
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'awaiting_budget'")
                gate.open()
                try await bench.waitFor(3, "moose.work_orders WHERE state = 'completed'")
            }
        }
    }

    @Test func `however an attempt ends, its hold is closed with it`() async throws {
        try await PoolBench.open { bench in
            let failure = AttemptFailure(.infrastructure, "no", retry: .never)
            let ends: [Outcome] = [
                .completed(AttemptReport(didStart: true, cost: MicroUSD(microdollars: 7))),
                .completed(AttemptReport(didStart: true)),
                .failed(failure, AttemptReport(didStart: true)),
                .failed(failure, AttemptReport(didStart: false)),
                .failed(AttemptFailure(.timeout, "late", retry: .after(.zero)), AttemptReport(didStart: true)),
                .snoozed(.zero, AttemptReport(didStart: false)),
                .interrupted(AttemptReport(didStart: true)),
            ]
            let next = Mutex(ends[...])
            let handlers = PoolScriptedHandler.registry { _ in
                next.withLock { $0.popFirst() } ?? .completed(AttemptReport(didStart: true, cost: .zero))
            }
            try await bench.withPool(handlers) { _, _ in
                try await bench.publish(Self.dear(ends.count, usd: "1"))
                try await bench.waitFor(Int64(ends.count), "moose.work_orders WHERE state IN ('completed', 'failed')")
            }
            #expect(try await bench.count("moose.budget_holds WHERE state IN ('held', 'dispatched')") == 0)
            #expect(try await bench.count("moose.budget_holds WHERE state = 'presumed_spent'") == 4)
            #expect(try await bench.count("moose.budget_holds WHERE state = 'cancelled'") == 2)
            #expect(try await bench.count("moose.budget_buckets WHERE posted_u <> 4000007") == 0)
        }
    }
}
