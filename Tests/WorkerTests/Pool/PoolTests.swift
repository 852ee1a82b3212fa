import AMQP
import ClientManager
import FoundationEssentials
import Messaging
import Postgres
import Publisher
import Store
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Worker

@Suite(.serialized)
struct PoolTests {
    @Test func `five hundred orders run once each`() async throws {
        try await PoolBench.open { bench in
            let runs = Mutex<[UUID: Int]>([:])
            let handlers = PoolScriptedHandler.registry { job in
                runs.withLock { $0[job.id, default: 0] += 1 }
                return .completed(AttemptReport(didStart: true, cost: MicroUSD(microdollars: 5000)))
            }
            try await bench.withPool(handlers) { _, _ in
                let ids = try await bench.publishWork(500)
                // Published twice, as after an unknown outcome.
                try await bench.publish(
                    ids.prefix(50).map { ($0, #"{"kind":"work","title":"t","estimated_cost_usd":"0.01"}"#) })
                try await bench.waitFor(500, "moose.work_orders WHERE state = 'completed'")
                #expect(runs.withLock { Set($0.keys) } == Set(ids))
            }
            #expect(runs.withLock { $0.values.allSatisfy { $0 == 1 } })
            #expect(try await bench.count("moose.outcome_vectors WHERE success") == 500)
            #expect(try await bench.count("moose.cost_tracking WHERE amount_u = 5000") == 500)
            #expect(try await bench.count("moose.budget_buckets WHERE held_u <> 0") == 0)
            #expect(try await bench.count("moose.workers WHERE stopped_at IS NOT NULL") == 1)
        }
    }

    @Test func `a failing order is tried again, then becomes part of one escalation`() async throws {
        try await PoolBench.open { bench in
            let handlers = PoolScriptedHandler.registry { job in
                .failed(
                    AttemptFailure(.testFail, "the tests are red", retry: .after(.zero)),
                    AttemptReport(didStart: true, cost: .zero))
            }
            let consumer = try AMQPConsumer(
                configuration: try AMQPConfiguration(url: bench.amqpURL), topology: PoolBench.topology)
            try await consumer.connect()
            let service = ClientManagerService(
                store: bench.control, consumer: consumer, publisher: bench.publisher, logger: PoolBench.logger)
            let (stops, stop) = AsyncStream<Void>.makeStream()
            let running = Task { try await service.run(until: stops) }
            try await bench.withPool(handlers) { _, _ in
                try await bench.publishWork(2)
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'failed' AND attempt = 3")
                try await bench.waitFor(1, "moose.escalations WHERE count = 2 AND trigger_type = 'proposer_exhausted'")
            }
            stop.finish()
            try await running.value
            await consumer.close()
            #expect(try await bench.count("moose.outcome_vectors") == 6)
            #expect(try await bench.count("moose.escalations") == 1)
            #expect(try await bench.count("moose.escalation_events") == 2)
        }
    }

    @Test func `every malformed message ends as a dead letter and the good ones complete`() async throws {
        try await PoolBench.open { bench in
            var handlers = PoolScriptedHandler.registry { _ in .completed(AttemptReport(didStart: true, cost: .zero)) }
            let priceless = PoolScriptedHandler { _ in .completed(AttemptReport(didStart: true, cost: .zero)) }
            handlers.register("priceless", .init(priceless))
            try await bench.withPool(handlers) { _, _ in
                let bad: [[UInt8]] = [
                    Array("{not json".utf8), [], Array(#"{"kind":"work","title":5}"#.utf8),
                    [0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d],
                    Array(#"{"kind":"priceless","title":"t"}"#.utf8),
                ]
                var messages = bad.map { OutgoingMessage.workOrder(id: .timeOrdered(), lane: "default", body: $0) }
                var nameless = OutgoingMessage.workOrder(
                    id: .timeOrdered(), lane: "default", body: Array(#"{"kind":"work","title":"t"}"#.utf8))
                nameless.properties.messageID = nil
                messages.append(nameless)
                try await bench.publishWork(5)
                try await bench.publisher.publish(messages)
                try await bench.publishWork(5)
                try await bench.waitFor(10, "moose.work_orders WHERE state = 'completed'")
                // Buried before the good ones behind them ran: what isn't there by now was lost.
                try await bench.waitFor(6, "moose.dead_letters", within: .seconds(10))
                try await eventually("the queue is empty") {
                    try await bench.publisher.queueStatistics(MooseTopology.workQueue(lane: "default"))?.messages == 0
                }
            }
            for (reason, wanted) in [("malformed", 3), ("invalid_field", 1), ("no_id", 1), ("unknown_price", 1)] {
                #expect(try await bench.count("moose.dead_letters WHERE reason = '\(reason)'") == wanted, "\(reason)")
            }
            #expect(try await bench.count("moose.work_orders") == 10)
        }
    }

    @Test func `a full pool registers what waits instead of holding it`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            let handlers = PoolScriptedHandler.registry { _ in
                await gate.pass()
                return .completed(AttemptReport(didStart: true, cost: .zero))
            }
            try await bench.withPool(handlers, slots: 2) { configuration in
                configuration.patience = .milliseconds(50)
            } _: { pool, _ in
                defer { gate.open() }
                try await bench.publishWork(8)
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'in_progress'")
                try await eventually("all of it is registered, and due") {
                    try await bench.count("moose.waiting WHERE state = 'pending' AND due <= now()") == 6
                }
                try await eventually("no delivery is held") { pool.board.look { $0.lanes[0].waiting.isEmpty } }
                #expect(try await bench.count("moose.work_orders WHERE state = 'in_progress'") == 2)
                gate.open()
                try await bench.waitFor(8, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
            }
        }
    }

    @Test func `a stop lets running jobs end`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            let handlers = PoolScriptedHandler.registry { _ in
                await gate.pass()
                return Task.isCancelled
                    ? .interrupted(AttemptReport(didStart: true, cost: .zero))
                    : .completed(AttemptReport(didStart: true, cost: .zero))
            }
            try await bench.withPool(handlers) { pool, stop in
                defer { gate.open() }
                try await bench.publishWork(3)
                try await bench.waitForJobs(3, in: pool)
                stop()
                try await eventually("the pool drains") { pool.board.look { $0.isStopping } }
                gate.open()
            }
            #expect(try await bench.count("moose.work_orders WHERE state = 'completed' AND attempt = 1") == 3)
        }
    }

    @Test func `a job the stop interrupts burns no attempt and goes on elsewhere`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            let stuck = PoolScriptedHandler.registry { _ in
                await gate.pass()
                return .interrupted(AttemptReport(didStart: true, cost: .zero))
            }
            try await bench.withPool(stuck) { configuration in
                configuration.drainTimeout = .zero
            } _: { pool, _ in
                try await bench.publishWork(3)
                try await bench.waitForJobs(3, in: pool)
            }
            #expect(try await bench.count("moose.work_orders WHERE state = 'pending' AND attempt = 0") == 3)
            let attempts = Mutex<[Int]>([])
            let free = PoolScriptedHandler.registry { job in
                attempts.withLock { $0.append(job.attempt) }
                return .completed(AttemptReport(didStart: true, cost: .zero))
            }
            try await bench.withPool(free) { _, _ in
                try await bench.waitFor(3, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
            }
            #expect(attempts.withLock { $0 } == [1, 1, 1])
        }
    }
}
