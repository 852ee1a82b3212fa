import FoundationEssentials
import Postgres
import Store
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// A new kind of work while some workers are still old.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct PoolRolloutTests {
    @Test func `what old workers park of a new kind, the first new worker takes at once`()
        async throws
    {
        try await PoolBench.open { bench in
            let old = PoolScriptedHandler.registry { _ in .completed(AttemptReport(didStart: true, cost: .zero)) }
            var new = old
            new.register(
                "fresh",
                .init(
                    PoolScriptedHandler { _ in .completed(AttemptReport(didStart: true, cost: .zero)) },
                    defaultEstimate: .zero))
            try await bench.withPool(old) { _, _ in
                try await bench.publish(
                    (0..<30).map { number in (.timeOrdered(), #"{"kind":"fresh","title":"number \#(number)"}"#) })
                try await bench.publishWork(5)
                try await bench.waitFor(30, "moose.work_orders WHERE state = 'pending' AND unknown_since IS NOT NULL")
                try await bench.waitFor(5, "moose.work_orders WHERE state = 'completed'")
                #expect(try await bench.count("moose.waiting WHERE due > now() + interval '10 seconds'") == 30)
                try await bench.withPool(new) { _, _ in
                    // Long before the old worker would look at them again.
                    try await bench.waitFor(
                        35, "moose.work_orders WHERE state = 'completed' AND attempt = 1", within: .seconds(20))
                }
            }
            #expect(try await bench.count("moose.dead_letters") == 0)
            #expect(try await bench.count("moose.outcome_vectors") == 35)
        }
    }

    @Test func `a new worker takes no more of it than it has slots for`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            let old = PoolScriptedHandler.registry { _ in .completed(AttemptReport(didStart: true, cost: .zero)) }
            var new = old
            new.register(
                "fresh",
                .init(
                    PoolScriptedHandler { _ in
                        await gate.pass()
                        return .completed(AttemptReport(didStart: true, cost: .zero))
                    }, defaultEstimate: .zero))
            try await bench.withPool(old) { _, _ in
                try await bench.publish((0..<6).map { _ in (.timeOrdered(), #"{"kind":"fresh","title":"t"}"#) })
                try await bench.waitFor(6, "moose.work_orders WHERE unknown_since IS NOT NULL")
            }
            try await bench.withPool(new, slots: 2) { pool, _ in
                defer { gate.open() }
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'in_progress'")
                #expect(pool.board.look { $0.lanes[0].waiting.isEmpty }, "the rest is left to others")
                gate.open()
                try await bench.waitFor(6, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
            }
        }
    }
}
