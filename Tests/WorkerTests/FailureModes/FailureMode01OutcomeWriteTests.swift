import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// Failure mode 1: the outcome of an attempt can't be written.
struct FailureMode01OutcomeWriteTests {
    @Test func `a result the database refuses fails its order and is escalated, and its batch goes on`() async throws {
        try await PoolBench.open { bench in
            try await bench.control.postgres.runSimple(
                "ALTER TABLE moose.outcome_vectors ADD CHECK (output IS DISTINCT FROM 'cursed')")
            let cursed = UUID.timeOrdered()
            let gate = PoolGate()
            let handlers = PoolScriptedHandler.registry { job in
                await gate.pass()
                return .completed(
                    AttemptReport(
                        didStart: true, cost: MicroUSD(microdollars: 5000),
                        output: job.id == cursed ? "cursed" : "fine"))
            }
            try await bench.withClientManager {
                try await bench.withPool(handlers) { _, _ in
                    defer { gate.open() }
                    try await bench.publish([(cursed, #"{"kind":"work","title":"t","estimated_cost_usd":"0.01"}"#)])
                    let neighbours = try await bench.publishWork(9)
                    try await bench.waitFor(10, "moose.work_orders WHERE state = 'in_progress'")
                    // All ten ends go into one batch, or into few.
                    gate.open()
                    try await bench.waitFor(9, "moose.work_orders WHERE state = 'completed'")
                    try await bench.expectEscalated(
                        cursed, failureClass: "malformed_output", trigger: "technical_blocker")
                    #expect(neighbours.count == 9)
                }
            }
            #expect(try await bench.state(cursed) == "failed")
            // The run was paid for, whatever became of its result.
            #expect(try await bench.count("moose.cost_tracking WHERE amount_u = 5000") == 10)
            #expect(try await bench.count("moose.budget_buckets WHERE held_u <> 0") == 0)
        }
    }
}
