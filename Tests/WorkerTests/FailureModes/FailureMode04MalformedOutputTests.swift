import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// Failure mode 4: an answer that should be JSON is not. The `chat` handler doesn't exist yet; a command answers here.
struct FailureMode04MalformedOutputTests {
    @Test func `malformed output is caught, classified, escalated, and its hold settled`() async throws {
        try await PoolBench.open { bench in
            let commands = try CommandHandlerTestsBench()
            let script = #"printf 'Sure! Here is the JSON: {"cost_usd": ' > "$MOOSE_RESULT_FILE""#
            var handlers = HandlerRegistry()
            handlers.register(
                "work", .init(commands.handler(script: script), defaultEstimate: .zero, maxAttempts: 1))
            try await bench.withClientManager {
                try await bench.withPool(handlers) { _, _ in
                    let id = try await bench.publishWork(1)[0]
                    try await bench.waitFor(1, "moose.work_orders WHERE state = 'failed'")
                    try await bench.expectEscalated(id, failureClass: "malformed_output", trigger: "technical_blocker")
                }
            }
            // Nobody knows what it cost: the hold of $0.01 counts as spent.
            #expect(try await bench.count("moose.budget_holds WHERE state = 'presumed_spent'") == 1)
            #expect(try await bench.count("moose.cost_tracking WHERE entry = 'presumed' AND amount_u = 10000") == 1)
            #expect(try await bench.count("moose.budget_buckets WHERE held_u <> 0") == 0)
        }
    }
}
