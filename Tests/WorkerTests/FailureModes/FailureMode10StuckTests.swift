import ClientManager
import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// Failure mode 10: a work order that stands still.
struct FailureMode10StuckTests {
    @Test func `an order in progress for too long is warned of, then escalated, each once, and left alone`()
        async throws
    {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            let handlers = PoolScriptedHandler.registry { _ in
                await gate.pass()
                return .completed(AttemptReport(didStart: true, cost: .zero))
            }
            var watch = StuckWatch()
            watch.interval = .milliseconds(20)
            try await bench.withPool(handlers) { _, _ in
                defer { gate.open() }
                let ids = try await bench.publishWork(2)
                let stuck = ids[0]
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'in_progress'")
                try await bench.withClientManager(stuck: watch) {
                    try await age(bench, stuck, "2 hours 1 minute")
                    try await bench.expectEscalated(stuck, failureClass: "timeout", trigger: "stuck_work_order")
                    #expect(try await bench.count("moose.escalations WHERE severity = 'warning' AND count = 1") == 1)
                    try await age(bench, stuck, "24 hours 1 minute")
                    try await bench.waitFor(1, "moose.escalations WHERE severity = 'critical' AND count = 2")
                    // Many more looks, each of which finds nothing new to tell.
                    for _ in 0..<20 {
                        #expect(
                            try await bench.control.reportStuck(
                                warnedAfter: .seconds(7200), escalatedAfter: .seconds(86_400)) == 0)
                    }
                    try await bench.waitFor(0, "moose.outbox")
                }
                #expect(try await bench.count("moose.escalation_events WHERE work_order_id = '\(stuck)'") == 2)
                #expect(try await bench.count("moose.escalation_events WHERE work_order_id = '\(ids[1])'") == 0)
                #expect(try await bench.state(stuck) == "in_progress")
                gate.open()
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
            }
        }
    }

    private func age(_ bench: PoolBench, _ id: UUID, _ age: String) async throws {
        try await bench.control.postgres.runSimple(
            "UPDATE moose.work_orders SET started_at = now() - interval '\(age)' WHERE id = '\(id)'")
    }
}
