import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// Failure mode 7: an illegal move of a finished order. `StoreTests/TransitionTests` tries every pair of states.
struct FailureMode07InvalidTransitionTests {
    @Test func `a completed order can't be run again, and everything about it stays`() async throws {
        try await PoolBench.open { bench in
            let handlers = PoolScriptedHandler.registry { _ in
                .completed(AttemptReport(didStart: true, cost: .zero, result: Array(#"{"answer":42}"#.utf8)))
            }
            try await bench.withPool(handlers) { _, _ in
                let id = try await bench.publishWork(1)[0]
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed'")
                let error = await #expect(throws: PostgresError.self) {
                    _ = try await bench.control.postgres.run(
                        "UPDATE moose.work_orders SET state = 'in_progress', result = NULL WHERE id = \(id)")
                }
                #expect(error?.sqlState == "MS001")
                #expect(error.map { "\($0)".contains("invalid state transition") } == true)
                #expect(
                    try await bench.count(
                        """
                        moose.work_orders WHERE state = 'completed'
                        AND convert_from(result, 'UTF8') = '{"answer":42}'
                        """) == 1)
            }
        }
    }
}
