import AMQP
import FoundationEssentials
import Messaging
import Postgres
import Publisher
import Store
import TestSupport
import Testing
import WorkOrders

@testable import Worker

@Suite(.serialized)
struct PoolRetireTests {
    @Test func `a retired worker lets its jobs run past the drain time-out and gives the rest back at once`()
        async throws
    {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            let handlers = PoolScriptedHandler.registry { _ in
                await gate.pass()
                return Task.isCancelled
                    ? .interrupted(AttemptReport(didStart: true, cost: .zero))
                    : .completed(AttemptReport(didStart: true, cost: .zero))
            }
            try await bench.withPool(handlers, slots: 2) { configuration in
                configuration.drainTimeout = .zero
            } _: { pool, _ in
                defer { gate.open() }
                try await bench.publishWork(4)
                try await bench.waitForJobs(2, in: pool)
                try await eventually("two more are delivered") { pool.laneReports["default"]?.waiting == 2 }
                let retired = Task { await pool.retire() }
                try await eventually("the unclaimed two are in the queue again") {
                    try await bench.publisher.queueStatistics(MooseTopology.workQueue(lane: "default"))?.messages == 2
                }
                #expect(!pool.isReady)
                #expect(try await bench.count("moose.work_orders WHERE state = 'in_progress'") == 2)
                gate.open()
                await retired.value
                #expect(pool.running == 0)
                #expect(try await bench.count("moose.work_orders WHERE state = 'completed' AND attempt = 1") == 2)
            }
            #expect(try await bench.count("moose.outcome_vectors") == 2)
        }
    }

    @Test func `the figures count every order once, wherever it waits`() async throws {
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
                let figures = ScalingFigures(
                    slots: ["default": 2], store: bench.control, publisher: bench.publisher, lifetime: .zero
                ) {
                    .init(waiting: pool.laneReports.mapValues(\.waiting), claimedAge: pool.claimedAge)
                }
                #expect(
                    try await figures.current() == ["default": LaneFigures(queued: 0, running: 0, oldestAge: .zero)])
                try await bench.publishWork(50)
                // Some are parked in the table, some in the queue, some in the worker's hands; it settles at 48.
                var seen: LaneFigures?
                try await eventually("all are seen, at last \(String(describing: seen))") {
                    seen = try await figures.current()["default"]
                    return seen?.queued == 48 && seen?.running == 2
                }
                #expect(try #require(seen).oldestAge > .zero)
                gate.open()
                try await bench.waitFor(50, "moose.work_orders WHERE state = 'completed'")
                #expect(try await figures.current()["default"]?.queued == 0)
            }
        }
    }

    @Test func `a registered order and one on the broker count once each`() async throws {
        try await PoolBench.open { bench in
            let items = try (0..<3).map { _ in
                let body = Array(#"{"id":"\#(UUID.timeOrdered())","kind":"work","title":"t"}"#.utf8)
                return ClaimItem(form: try WorkOrderMessage.decode(body, messageID: nil, lane: "default"), body: body)
            }
            let terms = ClaimTerms(
                worker: UUID(), lease: .seconds(45), unknownKindGrace: .seconds(600),
                kinds: ["work": KindTerms(estimate: .zero)])
            _ = try await bench.store.claim(items, claim: UUID(), terms: terms, park: true)
            let figures = ScalingFigures(
                slots: ["default": 2], store: bench.control, publisher: bench.publisher, lifetime: .zero)
            #expect(try await figures.current()["default"]?.queued == 3)
            try await bench.publishWork(2)
            try await eventually("two more") { try await figures.current()["default"]?.queued == 5 }
        }
    }

    @Test func `messages of a paused lane, and more than its limit lets start, are no load`() async throws {
        try await PoolBench.open { bench in
            let figures = ScalingFigures(
                slots: ["default": 2], store: bench.control, publisher: bench.publisher, lifetime: .zero)
            try await bench.publishWork(9)
            try await eventually("all are in the queue") { try await figures.current()["default"]?.queued == 9 }
            _ = try await bench.control.postgres.run("SELECT moose.pause_lane('default', 'ann', 'they burn')")
            #expect(
                try await figures.current()["default"] == LaneFigures(queued: 0, running: 0, oldestAge: .zero))
            _ = try await bench.control.postgres.run("SELECT moose.resume_lane('default', 'ann', 'put out')")
            _ = try await bench.control.postgres.run(
                "SELECT moose.set_lane_limits('default', NULL, 4, NULL, NULL, 'ann', NULL)")
            #expect(try await figures.current()["default"]?.queued == 4)
        }
    }

    @Test func `a worker says how often it tries each of its kinds`() async throws {
        try await PoolBench.open { bench in
            var handlers = PoolScriptedHandler.registry { _ in .completed(AttemptReport(didStart: true, cost: .zero)) }
            handlers.register(
                "by default",
                .init(PoolScriptedHandler { _ in .completed(AttemptReport(didStart: true, cost: .zero)) }))
            try await bench.withPool(handlers) {
                $0.defaultMaxAttempts = 7
            } _: { _, _ in
                try await bench.waitFor(
                    1, "moose.workers WHERE kinds = '{by default,work}' AND kind_attempts = '{7,3}'")
            }
        }
    }

    @Test func `figures are asked for once a second, however many want them`() async throws {
        try await PoolBench.open { bench in
            let figures = ScalingFigures(
                slots: ["default": 2], store: bench.control, publisher: bench.publisher, lifetime: .seconds(3600))
            let first = try await figures.current()
            try await bench.publishWork(5)
            #expect(try await figures.current() == first)
            let fresh = ScalingFigures(slots: ["default": 2], store: bench.control, publisher: bench.publisher)
            #expect(try await fresh.current()["default"]?.queued == 5)
        }
    }

    @Test func `a worker that can't start has signed off, and nobody takes it for lost`() async throws {
        try await PoolBench.open { bench in
            let handlers = PoolScriptedHandler.registry { _ in .completed(AttemptReport(didStart: true, cost: .zero)) }
            await #expect(throws: AMQPError.self) {
                try await bench.withPool(handlers) {
                    $0.lanes.append(.init(name: "nolane", slots: 2))
                } _: { _, _ in
                }
            }
            let (known, living) = (
                try await bench.count("moose.workers"), try await bench.count("moose.workers WHERE stopped_at IS NULL")
            )
            #expect(known == 1 && living == 0)
        }
    }
}
