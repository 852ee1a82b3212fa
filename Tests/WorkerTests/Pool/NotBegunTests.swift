import FoundationEssentials
import Postgres
import Store
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Reporting
@testable import Worker

/// What neither the handler nor the order is to blame for, and answers that can be read in part.
struct NotBegunTests {
    @Test func `an order that can't begin burns no attempt and no money, waits, and is told of the fifth time`()
        async throws
    {
        try await PoolBench.open { bench in
            let claims = Atomic<Int>(0)
            let handlers = PoolScriptedHandler.registry { job in
                let claim = claims.wrappingAdd(1, ordering: .relaxed).newValue
                return claim <= 5
                    ? .notBegun(AttemptFailure(.infrastructure, "nobody listens there"))
                    : .completed(
                        AttemptReport(
                            didStart: true, cost: MicroUSD(microdollars: 7), result: Array("\(job.attempt)".utf8)))
            }
            try await bench.withPool(handlers) { configuration in
                configuration.retry = RetryPolicy(base: .milliseconds(1), cap: .milliseconds(1))
            } _: { pool, _ in
                try await bench.publishWork(1)
                try await bench.waitFor(
                    1, "moose.work_orders WHERE state = 'scheduled' AND attempt = 0 AND error = 'nobody listens there'")
                try await bench.waitFor(
                    1, "moose.work_orders WHERE state = 'completed' AND attempt = 1 AND error IS NULL")
                let told = pool.reporter.take(10)
                #expect(told.map(\.operation) == ["begin"])
                #expect(told.first?.message.contains("nobody listens there") == true)
            }
            #expect(
                try await bench.count("moose.outcome_vectors WHERE outcome = 'snoozed' AND attempt = 1 AND error <> ''")
                    == 5)
            #expect(try await bench.count("moose.budget_holds WHERE state = 'cancelled'") == 5)
            #expect(try await bench.count("moose.budget_holds WHERE state = 'settled' AND actual_u = 7") == 1)
            #expect(try await bench.count("moose.cost_tracking WHERE entry = 'presumed'") == 0)
        }
    }

    @Test func `an order that can't begin is cancelled like any other`() async throws {
        try await PoolBench.open { bench in
            let handlers = PoolScriptedHandler.registry { job in
                while !job.cancelFlag.isSet { await Task.yield() }
                return .notBegun(AttemptFailure(.infrastructure, "nobody listens there"))
            }
            try await bench.withPool(handlers) { configuration in
                configuration.heartbeat = .milliseconds(100)
            } _: { _, _ in
                let id = try await bench.publishWork(1)[0]
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'in_progress'")
                try await bench.control.postgres.runSimple(
                    "SELECT moose.cancel_work_orders(ARRAY['\(id.text)'::uuid], 'a test', 'enough')")
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'cancelled'")
            }
        }
    }

    @Test func `an answer that can be read in part completes, and its cause is told of once`() async throws {
        try await PoolBench.open { bench in
            let handlers = PoolScriptedHandler.registry { job in
                .completed(
                    AttemptReport(
                        didStart: true, result: Array("1".utf8),
                        unread: AttemptReport.Unread(
                            "cost_usd in the answer can't be read", said: "much \(job.id.text)")))
            }
            try await bench.withPool(handlers) { pool, _ in
                try await bench.publishWork(3)
                try await bench.waitFor(
                    3, "moose.work_orders WHERE state = 'completed' AND error IS NULL AND result = '1'")
                let told = pool.reporter.take(10)
                #expect(told.count == 1)
                #expect(
                    told.first?.message == "work: cost_usd in the answer can't be read; its estimate counts as spent")
                #expect(told.first?.details?["said"]?.hasPrefix("much") == true)
            }
            #expect(try await bench.count("moose.budget_holds WHERE state = 'presumed_spent'") == 3)
            #expect(
                try await bench.count(
                    "moose.outcome_vectors WHERE success AND error LIKE 'cost_usd in the answer can''t be read: much%'")
                    == 3)
        }
    }
}
