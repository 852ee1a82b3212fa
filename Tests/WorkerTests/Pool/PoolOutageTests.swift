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

/// A worker whose database or broker goes away and comes back.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct PoolOutageTests {
    private static let lane = MooseTopology.workQueue(lane: "default")

    /// Ends are kept, nothing new is taken, it says so; afterwards all goes on by itself and nobody was rescued.
    @Test func `while the database is away the intake stops, and everything goes on when it is back`() async throws {
        try await PoolBench.open { bench in
            try await PoolNetwork.open(before: bench) { network in
                let gate = PoolGate()
                let handlers = PoolScriptedHandler.registry { _ in
                    await gate.pass()
                    return .completed(AttemptReport(didStart: true, cost: .zero))
                }
                try await network.bench.withPool(handlers, slots: 4) { configuration in
                    configuration.patience = .milliseconds(200)
                } _: { pool, _ in
                    defer { gate.open() }
                    try await bench.publishWork(2)
                    try await bench.waitForJobs(2, in: pool)
                    #expect(pool.trouble == nil)
                    network.toDatabase.cut(refusing: true)
                    try await eventually("the intake stops") {
                        pool.intake.subscriptions.allSatisfy { !$0.isConsuming }
                    }
                    #expect(pool.trouble != nil, "what /readyz says")
                    // As it does twice a second where slots are free.
                    await pool.intake.resume()
                    #expect(pool.intake.subscriptions.allSatisfy { !$0.isConsuming })
                    // Published meanwhile: stays where another worker could take it.
                    try await bench.publishWork(6)
                    gate.open()
                    try await eventually("the ends wait") { pool.board.look { $0.jobs.count } == 2 }
                    #expect(try await bench.publisher.queueStatistics(Self.lane)?.messages == 6)
                    #expect(try await bench.count("moose.work_orders WHERE state = 'in_progress'") == 2)
                    network.toDatabase.cut(refusing: false)
                    try await bench.waitFor(8, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
                    #expect(pool.trouble == nil)
                }
                #expect(try await bench.count("moose.outcome_vectors") == 8)
            }
        }
    }

    @Test func `a claim and an end whose answers are lost after their commits are asked again and count once`()
        async throws
    {
        try await PoolBench.open { bench in
            try await PoolNetwork.open(before: bench) { network in
                let gate = PoolGate()
                let runs = Mutex<[UUID: Int]>([:])
                let handlers = PoolScriptedHandler.registry { job in
                    runs.withLock { $0[job.id, default: 0] += 1 }
                    await gate.pass()
                    return .completed(AttemptReport(didStart: true, cost: MicroUSD(microdollars: 5000)))
                }
                try await network.bench.withPool(handlers) { pool, _ in
                    defer { gate.open() }
                    try await bench.publishWork(1)
                    try await bench.waitForJobs(1, in: pool)
                    try await loseAnswer(of: "claim_batch", bench, network) { _ = try await bench.publishWork(1) }
                    try await bench.waitFor(2, "moose.work_orders WHERE state = 'in_progress'")
                    network.toDatabase.cut()
                    try await eventually("it knows that it holds both") { pool.running == 2 }
                    try await loseAnswer(of: "finish_batch", bench, network) { gate.open() }
                    try await eventually("an end is written") {
                        try await bench.count("moose.work_orders WHERE state = 'completed'") > 0
                    }
                    network.toDatabase.cut()
                    try await bench.waitFor(2, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
                    try await eventually("it knows of both ends") { pool.running == 0 }
                }
                #expect(runs.withLock { $0.count == 2 && $0.values.allSatisfy { $0 == 1 } })
                #expect(try await bench.count("moose.outcome_vectors") == 2)
                #expect(try await bench.count("moose.cost_tracking WHERE amount_u = 5000") == 2)
                #expect(try await bench.count("moose.budget_buckets WHERE held_u <> 0") == 0)
            }
        }
    }

    /// Lets the worker's statement wait for the budget's rows, swallows what the database will answer, and lets it go on.
    private func loseAnswer(
        of function: String, _ bench: PoolBench, _ network: PoolNetwork, _ act: () async throws -> Void
    ) async throws {
        try await bench.control.postgres.withTransaction { transaction in
            _ = try await transaction.run("SELECT FROM moose.budget_buckets FOR UPDATE")
            try await act()
            try await bench.waitFor(
                1,
                """
                pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
                AND query LIKE '%\(function)%'
                """)
            network.toDatabase.freeze()
        }
    }

    @Test func `deliveries that can't be claimed for long go back to the queue, for workers that can`() async throws {
        try await PoolBench.open { bench in
            try await PoolNetwork.open(before: bench) { network in
                let runs = Mutex<[UUID: Int]>([:])
                let handlers = PoolScriptedHandler.registry { job in
                    runs.withLock { $0[job.id, default: 0] += 1 }
                    return .completed(AttemptReport(didStart: true, cost: .zero))
                }
                try await network.bench.withPool(handlers, slots: 10) { configuration in
                    configuration.patience = .milliseconds(200)
                    configuration.giveBackAfter = .seconds(3)
                } _: { pool, _ in
                    // A connection made after the freeze would carry the claim.
                    try await eventually("it consumes") { pool.board.look { $0.isConsuming } }
                    _ = try await network.bench.store.postgres.run("SELECT 1")
                    // Cut before the loss is known, so that the worker takes what it can't claim.
                    network.toDatabase.freeze()
                    let ids = try await bench.publishWork(10)
                    try await eventually("it has taken them all") {
                        try await bench.publisher.queueStatistics(Self.lane)?.messages == 0
                    }
                    network.toDatabase.cut(refusing: true)
                    try await bench.withPool(handlers) { _, _ in
                        try await bench.waitFor(10, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
                    }
                    #expect(pool.trouble != nil, "it is still cut off")
                    network.toDatabase.cut(refusing: false)
                    let more = try await bench.publishWork(10)
                    try await bench.waitFor(20, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
                    #expect(runs.withLock { Set($0.keys) } == Set(ids + more))
                }
                #expect(runs.withLock { $0.values.allSatisfy { $0 == 1 } })
                try await eventually("the queue is empty") {
                    try await bench.publisher.queueStatistics(Self.lane)?.messages == 0
                }
            }
        }
    }

    @Test func `a worker cut off from the database loses its job to another, and its late end counts only as cost`()
        async throws
    {
        try await PoolBench.open { bench in
            try await PoolNetwork.open(before: bench) { network in
                let gate = PoolGate()
                let slow = PoolScriptedHandler.registry { _ in
                    await gate.pass()
                    return .interrupted(AttemptReport(didStart: true, cost: MicroUSD(microdollars: 300)))
                }
                let quick = PoolScriptedHandler.registry { _ in
                    .completed(AttemptReport(didStart: true, cost: MicroUSD(microdollars: 50)))
                }
                try await network.bench.withPool(slow, slots: 1) { configuration in
                    // A lease that runs out soon, and a worker too slow to rescue its own job.
                    configuration.heartbeat = .milliseconds(200)
                    configuration.lease = .seconds(1)
                    configuration.leasePass = .seconds(600)
                    configuration.patience = .milliseconds(200)
                    configuration.giveBackAfter = .milliseconds(400)
                } _: { pool, _ in
                    defer { gate.open() }
                    try await bench.publishWork(1)
                    try await bench.waitForJobs(1, in: pool)
                    network.toDatabase.cut(refusing: true)
                    try await bench.withPool(quick, slots: 1) { configuration in
                        configuration.leasePass = .seconds(1)
                    } _: { _, _ in
                        try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed' AND fencing_token = 2")
                    }
                    #expect(pool.running == 1, "it knows nothing yet")
                    network.toDatabase.cut(refusing: false)
                    // It finds its lease lost and stops the job, which opens the gate for that task alone.
                    try await eventually("the job is stopped") { pool.running == 0 }
                    try await bench.waitFor(1, "moose.cost_tracking WHERE entry = 'late'")
                }
                #expect(try await bench.count("moose.outcome_vectors WHERE success") == 1)
                #expect(try await bench.count("moose.outcome_vectors WHERE outcome = 'worker_lost'") == 1)
                #expect(try await bench.count("moose.budget_buckets WHERE posted_u <> 350") == 0)
                #expect(try await bench.count("moose.work_orders WHERE state = 'completed' AND worker_losses = 1") == 1)
            }
        }
    }

    @Test func `a worker cut off from the broker finishes what it runs, and nothing runs twice`() async throws {
        try await PoolBench.open { bench in
            try await PoolNetwork.open(before: bench) { network in
                let gate = PoolGate()
                let runs = Mutex<[UUID: Int]>([:])
                let handlers = PoolScriptedHandler.registry { job in
                    runs.withLock { $0[job.id, default: 0] += 1 }
                    await gate.pass()
                    return .completed(AttemptReport(didStart: true, cost: .zero))
                }
                try await network.bench.withPool(handlers, slots: 2) { configuration in
                    // What it holds is not parked meanwhile.
                    configuration.patience = .seconds(600)
                } _: { pool, _ in
                    defer { gate.open() }
                    let ids = try await bench.publishWork(4)
                    try await eventually("two run and two wait for a slot") {
                        pool.board.look { $0.jobs.count == 2 && $0.lanes[0].waiting.count == 2 }
                    }
                    network.toBroker.cut(refusing: true)
                    try await eventually("the loss is noticed") { pool.trouble != nil }
                    try await bench.withPool(handlers, slots: 4) { _, _ in
                        gate.open()
                        try await bench.waitFor(4, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
                    }
                    network.toBroker.cut(refusing: false)
                    let more = try await bench.publishWork(2)
                    try await bench.waitFor(6, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
                    #expect(runs.withLock { Set($0.keys) } == Set(ids + more))
                }
                #expect(runs.withLock { $0.values.allSatisfy { $0 == 1 } })
            }
        }
    }
}
