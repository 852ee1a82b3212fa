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

/// Claims and ends are written side by side: neither waits for the other, and a stop ends both.
struct OverlapTests {
    private func holding(_ gate: PoolGate) -> HandlerRegistry {
        PoolScriptedHandler.registry { _ in
            await gate.pass()
            return .completed(AttemptReport(didStart: true, cost: .zero))
        }
    }

    /// Somebody else is about to insert this order, so that whoever claims it must wait for them.
    private static func occupy(_ id: UUID, _ transaction: PostgresTransaction) async throws {
        _ = try await transaction.run(
            """
            INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
            VALUES (\(id), 'pending', 'work', 'default', 't', now(), '', '')
            """)
    }

    private static func message(_ id: UUID) -> (UUID, String) {
        (id, #"{"kind":"work","title":"t","estimated_cost_usd":"0.01"}"#)
    }

    @Test func `a job's end is written while a claim waits`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            try await bench.withPool(holding(gate)) { pool, _ in
                defer { gate.open() }
                try await bench.publishWork(1)
                try await bench.waitForJobs(1, in: pool)
                let id = UUID.timeOrdered()
                await #expect(throws: CancellationError.self) {
                    try await bench.control.postgres.withTransaction { transaction in
                        try await Self.occupy(id, transaction)
                        try await bench.publish([Self.message(id)])
                        try await eventually("its claim waits") { pool.board.look { $0.lanes[0].running == 2 } }
                        gate.open()
                        try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed'")
                        try await eventually("only the claim waits still") {
                            pool.board.look { $0.lanes[0].running == 1 }
                        }
                        throw CancellationError()
                    }
                }
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
            }
        }
    }

    @Test func `a claim is answered while a job's end waits`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            try await bench.withPool(holding(gate)) { pool, _ in
                defer { gate.open() }
                let id = try await bench.publishWork(1)[0]
                try await bench.waitForJobs(1, in: pool)
                try await bench.control.postgres.withTransaction { transaction in
                    _ = try await transaction.run("SELECT 1 FROM moose.work_orders WHERE id = \(id) FOR UPDATE")
                    gate.open()
                    try await eventually("its end waits") {
                        pool.board.look { $0.finishes.isEmpty && $0.jobs.endedCount == 1 }
                    }
                    try await bench.publishWork(1)
                    try await bench.waitFor(
                        1, "moose.work_orders WHERE state = 'in_progress' AND id <> '\(id)'")
                }
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
            }
        }
    }

    @Test func `a stop between a claim and an end loses neither`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            let id = UUID.timeOrdered()
            try await bench.withPool(holding(gate)) { pool, stop in
                defer { gate.open() }
                try await bench.publishWork(1)
                try await bench.waitForJobs(1, in: pool)
                await #expect(throws: CancellationError.self) {
                    try await bench.control.postgres.withTransaction { transaction in
                        try await Self.occupy(id, transaction)
                        try await bench.publish([Self.message(id)])
                        try await eventually("its claim waits") { pool.board.look { $0.lanes[0].running == 2 } }
                        stop()
                        try await eventually("it drains") { pool.board.look { $0.isStopping } }
                        gate.open()
                        try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed'")
                        throw CancellationError()
                    }
                }
            }
            #expect(
                try await bench.count("moose.work_orders WHERE id = '\(id)' AND state = 'pending' AND attempt = 0")
                    == 1,
                "what the claim brought goes back without having run")
            try await bench.withPool(holding(gate)) { _, _ in
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
            }
        }
    }
}
