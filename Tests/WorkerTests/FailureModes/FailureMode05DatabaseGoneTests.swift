import FoundationEssentials
import Postgres
import Store
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// Failure mode 5: the database goes away in the middle of a transaction.
struct FailureMode05DatabaseGoneTests {
    @Test func `connections that die inside a claim and inside an end lose and double nothing`() async throws {
        try await PoolBench.open { bench in
            let runs = Mutex<[UUID: Int]>([:])
            let gate = PoolGate()
            let handlers = PoolScriptedHandler.registry { job in
                runs.withLock { $0[job.id, default: 0] += 1 }
                await gate.pass()
                return .completed(AttemptReport(didStart: true, cost: MicroUSD(microdollars: 5000)))
            }
            try await bench.withPool(handlers, slots: 50) { _, _ in
                defer { gate.open() }
                // The bucket exists from here on, so that its row can be held against the transactions.
                _ = try await bench.publishWork(1)
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'in_progress'")
                try await dieWaiting(bench) { try await bench.publishWork(49) }
                try await bench.waitFor(50, "moose.work_orders WHERE state = 'in_progress'")
                try await dieWaiting(bench) { gate.open() }
                try await bench.waitFor(50, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
            }
            #expect(runs.withLock { $0.count == 50 && $0.values.allSatisfy { $0 == 1 } })
            #expect(try await bench.count("moose.outcome_vectors") == 50)
            #expect(try await bench.count("moose.cost_tracking WHERE amount_u = 5000") == 50)
            #expect(try await bench.count("moose.budget_buckets WHERE held_u <> 0") == 0)
        }
    }

    /// Lets a transaction of the worker wait for the budget's rows, with its own changes made, and ends its connection.
    private func dieWaiting(_ bench: PoolBench, _ act: () async throws -> Void) async throws {
        try await bench.control.postgres.withConnection { connection in
            _ = try await connection.run("BEGIN")
            _ = try await connection.run("SELECT FROM moose.budget_buckets FOR UPDATE")
            try await act()
            try await eventually("a transaction waits, and was ended") {
                // Else every look of this transaction would see what the first one saw.
                _ = try await connection.run("SELECT pg_stat_clear_snapshot()")
                let ended = try await connection.run(
                    """
                    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE wait_event_type = 'Lock' AND datname = current_database()
                    """)
                return try #require(ended.first).decode(0, as: Int64.self) > 0
            }
            _ = try await connection.run("ROLLBACK")
        }
    }
}
