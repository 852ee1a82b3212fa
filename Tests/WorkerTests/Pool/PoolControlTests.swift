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

/// What an operator does from anywhere reaches a worker that runs. The heartbeat of these pools is so slow that only
/// the channel can have told them, where a test doesn't say otherwise.
@Suite(.serialized)
struct PoolControlTests {
    private static func slowHeart(_ configuration: inout WorkerConfiguration) {
        configuration.heartbeat = .seconds(3600)
    }

    private func cancel(_ ids: [UUID], _ bench: PoolBench) async throws {
        _ = try await bench.control.postgres.run(
            "SELECT moose.cancel_work_orders(\(ids), \("ann"), \("wrong prompt"))")
    }

    /// Jobs that hold until they are stopped, or the gate is opened.
    private func holding(_ gate: PoolGate) -> HandlerRegistry {
        PoolScriptedHandler.registry { _ in
            await gate.pass()
            return Task.isCancelled
                ? .interrupted(AttemptReport(didStart: true, cost: MicroUSD(microdollars: 3000)))
                : .completed(AttemptReport(didStart: true, cost: .zero))
        }
    }

    @Test func `a cancelled job is stopped, its real cost posted, and the job beside it goes on`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            try await bench.withPool(holding(gate)) {
                Self.slowHeart(&$0)
            } _: { pool, _ in
                defer { gate.open() }
                let ids = try await bench.publishWork(2)
                try await bench.waitForJobs(2, in: pool)
                try await cancel([ids[0]], bench)
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'cancelled' AND id = '\(ids[0])'")
                #expect(try await bench.count("moose.work_orders WHERE state = 'in_progress'") == 1)
                #expect(try await bench.count("moose.cost_tracking WHERE amount_u = 3000") == 1)
                gate.open()
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed' AND id = '\(ids[1])'")
            }
            #expect(try await bench.count("moose.outcome_vectors WHERE outcome = 'cancelled'") == 1)
            #expect(try await bench.count("moose.budget_buckets WHERE held_u <> 0") == 0)
        }
    }

    @Test func `a worker that was signalled to stop is shown as draining while its jobs end`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            try await bench.withPool(holding(gate)) {
                Self.slowHeart(&$0)
            } _: { pool, stop in
                defer { gate.open() }
                try await bench.publishWork(1)
                try await bench.waitForJobs(1, in: pool)
                #expect(try await bench.count("moose.workers WHERE NOT draining") == 1)
                stop()
                try await bench.waitFor(1, "moose.workers WHERE draining AND running = 1 AND stopped_at IS NULL")
                gate.open()
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed'")
            }
            #expect(try await bench.count("moose.workers WHERE stopped_at IS NOT NULL") == 1)
        }
    }

    @Test func `a word on the channel that was lost is made up for by the heartbeat`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            try await bench.withPool(holding(gate)) { configuration in
                configuration.heartbeat = .milliseconds(200)
            } _: { _, _ in
                defer { gate.open() }
                let ids = try await bench.publishWork(1)
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'in_progress'")
                // As the rows stand when nobody heard the notification.
                try await bench.control.postgres.runSimple(
                    """
                    UPDATE moose.work_orders SET cancel_requested_at = now(), cancel_who = 'ann', cancel_reason = 'x'
                    WHERE id = '\(ids[0])';
                    UPDATE moose.leases SET to_stop = true WHERE id = '\(ids[0])'
                    """)
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'cancelled'")
            }
        }
    }

    @Test func `an order cancelled between its claim and the start of its job is stopped all the same`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            try await bench.withPool(holding(gate)) {
                Self.slowHeart(&$0)
            } _: { pool, _ in
                defer { gate.open() }
                // The worker's own first look, at its start, may still take the first of these away.
                for _ in 1...5 {
                    let id = UUID.timeOrdered()
                    // The look that came a moment too early for the job, but found the request in its row.
                    let key = LeaseKey(id: id, token: 1)
                    _ = pool.board.change { $0.cancel([CancelRequest(key: key, who: "ann", reason: "x")]) }
                    try await bench.publish([(id, #"{"kind":"work","title":"t","estimated_cost_usd":"0.01"}"#)])
                    try await bench.waitFor(1, "moose.work_orders WHERE id = '\(id)'")
                    try await Task.sleep(for: .milliseconds(500))
                    if try await bench.count("moose.outcome_vectors WHERE work_order_id = '\(id)'") == 1 { return }
                }
                Issue.record("none of five jobs was stopped")
            }
        }
    }

    @Test func `more slots take work at once, fewer let running jobs end`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            let runs = Mutex(0)
            let handlers = PoolScriptedHandler.registry { _ in
                runs.withLock { $0 += 1 }
                await gate.pass()
                return .completed(AttemptReport(didStart: true, cost: .zero))
            }
            try await bench.withPool(handlers, slots: 1) { configuration in
                Self.slowHeart(&configuration)
                // So that what waits for a slot isn't parked, but runs as soon as there is one.
                configuration.patience = .seconds(3600)
            } _: { pool, _ in
                defer { gate.open() }
                try await bench.publishWork(6)
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'in_progress'")
                let worker = [pool.configuration.id]
                try await resize(worker, 5, bench)
                try await bench.waitFor(5, "moose.work_orders WHERE state = 'in_progress'")
                try await bench.waitFor(1, "moose.workers WHERE slots = 5")
                try await resize(worker, 2, bench)
                try await bench.waitFor(1, "moose.workers WHERE slots = 2")
                #expect(pool.running == 5, "nothing was stopped")
                gate.open()
                try await bench.waitFor(6, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
                #expect(runs.withLock { $0 } == 6)
            }
            #expect(try await bench.count("moose.audit_log WHERE action = 'worker resize'") == 2)
        }
    }

    private func resize(_ workers: [UUID], _ slots: Int32, _ bench: PoolBench) async throws {
        _ = try await bench.control.postgres.run(
            "SELECT moose.resize_workers(\(workers), \("default"), \(slots), \("ann"), \("a test"))")
    }

    @Test func `a worker that is told to drain takes nothing more, ends what runs and stops`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            let told = Mutex(false)
            let tookMore = Mutex(false)
            let handlers = PoolScriptedHandler.registry { _ in
                if told.withLock({ $0 }) { tookMore.withLock { $0 = true } }
                await gate.pass()
                return .completed(AttemptReport(didStart: true, cost: .zero))
            }
            let consumer = try AMQPConsumer(
                configuration: try AMQPConfiguration(url: bench.amqpURL), topology: PoolBench.topology)
            try await consumer.connect()
            var configuration = WorkerConfiguration(lanes: [.init(name: "default", slots: 20)])
            Self.slowHeart(&configuration)
            let pool = WorkerPool(
                configuration, handlers: handlers, store: bench.store, control: bench.control, consumer: consumer,
                publisher: bench.publisher, logger: PoolBench.logger)
            // Nobody stops it but the operator.
            let (never, holder) = AsyncStream<Void>.makeStream()
            let running = Task { try await pool.run(until: never) }
            defer { gate.open() }
            try await bench.publishWork(2)
            try await bench.waitForJobs(2, in: pool)
            _ = try await bench.control.postgres.run(
                "SELECT moose.drain_workers(\([pool.configuration.id]), \("ann"), \("kernel update"))")
            try await eventually("it drains") { pool.board.look { $0.isStopping } }
            told.withLock { $0 = true }
            let later = try await bench.publishWork(3)
            gate.open()
            try await running.value
            withExtendedLifetime(holder) {}
            await consumer.close()
            #expect(try await bench.count("moose.work_orders WHERE state = 'completed'") == 2)
            #expect(!tookMore.withLock { $0 })
            #expect(try await bench.count("moose.workers WHERE stopped_at IS NOT NULL") == 1)
            // The others get what it left.
            try await bench.withPool(holding(gate)) { _, _ in
                try await bench.waitFor(Int64(2 + later.count), "moose.work_orders WHERE state = 'completed'")
            }
        }
    }

    @Test func `a draining worker gives unclaimed deliveries back while its jobs still run`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            try await bench.withPool(holding(gate), slots: 2) { configuration in
                configuration.patience = .seconds(3600)
            } _: { pool, stop in
                defer { gate.open() }
                try await bench.publishWork(4)
                try await bench.waitForJobs(2, in: pool)
                try await eventually("two more are at hand") { pool.board.look { $0.lanes[0].waiting.count == 2 } }
                stop()
                try await eventually("they are back in the queue, ready for others") {
                    try await bench.publisher.queueStatistics(MooseTopology.workQueue(lane: "default"))?.messages == 2
                }
                #expect(pool.running == 2)
            }
            #expect(try await bench.count("moose.work_orders WHERE state = 'completed' AND attempt = 1") == 2)
            try await bench.withPool(holding(gate)) { _, _ in
                try await bench.waitFor(4, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
            }
        }
    }

    @Test func `a delivery that was on its way when the drain began goes back while jobs still run`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            try await bench.withPool(holding(gate), slots: 2) { pool, stop in
                defer { gate.open() }
                let queue = MooseTopology.workQueue(lane: "default")
                try await bench.publishWork(1)
                try await bench.waitForJobs(1, in: pool)
                stop()
                let subscription = pool.intake.subscriptions[0]
                try await eventually("it takes nothing more") { !subscription.isConsuming }
                try await bench.publishWork(1)
                try await eventually("it is queued") { try await bench.publisher.queueStatistics(queue)?.messages == 1 }
                // The broker delivers it with its answer to the first of these, as one that crossed the pause.
                try await subscription.resume(prefetch: 1)
                try await subscription.pause()
                try await eventually("it is back in the queue, ready for others") {
                    try await bench.publisher.queueStatistics(queue)?.messages == 1
                }
                #expect(pool.running == 1)
                #expect(try await bench.count("moose.work_orders") == 1, "it was not claimed")
            }
        }
    }

    @Test func `what a claim brings while the drain begins goes back without having run`() async throws {
        try await PoolBench.open { bench in
            let ran = Mutex(false)
            let handlers = PoolScriptedHandler.registry { _ in
                ran.withLock { $0 = true }
                return .completed(AttemptReport(didStart: true, cost: .zero))
            }
            try await bench.withPool(handlers) { pool, stop in
                // The claim's answer is held up at the database: one statement locks what its insert touches.
                let id = UUID.timeOrdered()
                try await bench.control.postgres.withTransaction { transaction in
                    _ = try await transaction.run("LOCK TABLE moose.work_orders IN SHARE ROW EXCLUSIVE MODE")
                    try await bench.publish([(id, #"{"kind":"work","title":"t","estimated_cost_usd":"0.01"}"#)])
                    try await eventually("it is being claimed") { pool.board.look { $0.lanes[0].running == 1 } }
                    stop()
                    try await eventually("it drains") { pool.board.look { $0.isStopping } }
                }
            }
            #expect(!ran.withLock { $0 })
            #expect(try await bench.count("moose.work_orders WHERE state = 'pending' AND attempt = 0") == 1)
            #expect(try await bench.count("moose.budget_holds WHERE state = 'cancelled'") == 1)
        }
    }
}
