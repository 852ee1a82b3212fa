import FoundationEssentials
import Postgres
import Store
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Worker

struct RetryStoryTests {
    @Test func `each kind waits by its own policy, what was asked for is kept, and every attempt leaves a row`()
        async throws
    {
        try await PoolBench.open { bench in
            let failing = PoolScriptedHandler { job in
                .failed(
                    AttemptFailure(.infrastructure, "try \(job.attempt)", retry: .backoff),
                    AttemptReport(didStart: true, cost: .zero))
            }
            var handlers = PoolScriptedHandler.registry { job in
                .failed(
                    AttemptFailure(.infrastructure, "busy", retry: .after(.seconds(7200))),
                    AttemptReport(didStart: true, cost: .zero))
            }
            for (kind, base, cap) in [
                ("quick", Duration.milliseconds(10), Duration.milliseconds(20)),
                ("slow", .seconds(80_000), .seconds(80_000)),
            ] {
                handlers.register(
                    kind,
                    .init(failing, defaultEstimate: .zero, maxAttempts: 4, retry: RetryPolicy(base: base, cap: cap)))
            }
            let ids = (0..<6).map { _ in UUID.timeOrdered() }
            try await bench.withPool(handlers) { configuration in
                configuration.retry = RetryPolicy(base: .milliseconds(10), cap: .milliseconds(20))
            } _: { _, _ in
                try await bench.publish([
                    (ids[0], #"{"kind":"quick","title":"t"}"#), (ids[1], #"{"kind":"slow","title":"t"}"#),
                    (ids[2], #"{"kind":"slow","title":"t"}"#), (ids[3], #"{"kind":"slow","title":"t"}"#),
                    (ids[4], #"{"kind":"work","title":"t"}"#),
                    (ids[5], #"{"kind":"quick","title":"t","max_attempts":2}"#),
                ])
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'failed'")
                try await bench.waitFor(4, "moose.work_orders WHERE state = 'retrying'")
            }
            #expect(try await bench.count("moose.outcome_vectors WHERE work_order_id = '\(ids[0])'") == 4)
            #expect(try await bench.count("moose.outcome_vectors WHERE work_order_id = '\(ids[5])'") == 2)
            #expect(
                try await bench.count(
                    "moose.outcome_vectors WHERE work_order_id = '\(ids[0])' AND error = 'try ' || attempt") == 4)
            // Full jitter: of three waits up to 22 hours, one at least is longer than a second.
            #expect(
                try await bench.count("moose.work_orders WHERE kind = 'slow' AND run_at > now() + interval '1 second'")
                    > 0)
            #expect(
                try await bench.count(
                    """
                    moose.work_orders w JOIN moose.waiting x ON x.id = w.id AND x.due = w.run_at
                    WHERE w.kind = 'work' AND w.run_at BETWEEN now() + interval '110 minutes' AND now() + interval '2 hours'
                    """) == 1)
        }
    }

    @Test func `a snooze burns no attempt, however often, and is in the history`() async throws {
        try await PoolBench.open { bench in
            let runs = Mutex(0)
            let handlers = PoolScriptedHandler.registry { _ in
                let run = runs.withLock { count in
                    count += 1
                    return count
                }
                let report = AttemptReport(didStart: true, cost: .zero)
                return run <= 5 ? .snoozed(.milliseconds(10), report) : .completed(report)
            }
            try await bench.withPool(handlers) { _, _ in
                try await bench.publishWork(1)
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
            }
            #expect(try await bench.count("moose.outcome_vectors WHERE outcome = 'snoozed' AND attempt = 1") == 5)
            #expect(try await bench.count("moose.outcome_vectors WHERE outcome = 'completed' AND attempt = 1") == 1)
        }
    }
}
