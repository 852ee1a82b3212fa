import FoundationEssentials
import Store
import Testing
import WorkOrders

/// Results of CI that come before their order, or without one.
struct UnmatchedResultTests {
    @Test func `a result nobody knows is looked at again, ever more rarely`() async throws {
        try await SentinelDesk.open { desk in
            try await desk.arrives("Build")
            for tries in 1...4 {
                try await desk.look()
                #expect(
                    try await desk.count(
                        """
                        moose.workflow_runs WHERE tries = \(tries) AND state = 'waiting'
                        AND due_at > now() + interval '1 second' * (2 ^ \(tries - 1) - 1)
                        """) == 1)
                // Not due: it is let alone.
                try await desk.look()
                #expect(try await desk.count("moose.workflow_runs WHERE tries = \(tries)") == 1)
                try await desk.run("UPDATE moose.workflow_runs SET due_at = now()")
            }
            try await desk.run("UPDATE moose.workflow_runs SET tries = 60, due_at = now()")
            try await desk.look()
            #expect(try await desk.count("moose.workflow_runs WHERE due_at < now() + interval '301 seconds'") == 1)
            #expect(try await desk.events(nil) == 0)
        }
    }

    @Test func `a pull request no order knows is told of, once a run, and still counts should its order come`()
        async throws
    {
        try await SentinelDesk.open { desk in
            try await desk.arrives("Build", run: 1)
            try await desk.arrives("Test", run: 2)
            try await desk.run("UPDATE moose.workflow_runs SET received_at = now() - interval '1 hour 1 second'")
            for _ in 0..<3 {
                try await desk.look()
                try await desk.run("UPDATE moose.workflow_runs SET due_at = now()")
            }
            #expect(try await desk.events(nil) == 2)
            #expect(try await desk.count("moose.workflow_runs WHERE state = 'unmatched'") == 2)
            let id = try await desk.proposed(12)
            try await desk.look()
            #expect(try await desk.state(id) == "completed")
        }
    }

    @Test func `an order that runs with its number set is waited for`() async throws {
        try await SentinelDesk.open { desk in
            let order = try await desk.running()
            try await desk.run("UPDATE moose.work_orders SET github_pr_number = 12")
            try await desk.arrives("Build", run: 1)
            try await desk.arrives("Test", run: 2)
            try await desk.run("UPDATE moose.workflow_runs SET received_at = now() - interval '3 hours'")
            try await desk.look()
            #expect(try await desk.state(order.id) == "in_progress")
            #expect(try await desk.events(nil) == 0)
            try await desk.propose(order, try #require(PullRequest(number: 12)))
            try await desk.look()
            #expect(try await desk.state(order.id) == "completed")
        }
    }

    @Test func `what nobody needs any more is deleted after thirty days`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12)
            try await desk.arrives("Build", run: 1)
            try await desk.arrives("Test", run: 2)
            try await desk.look()
            #expect(try await desk.state(id) == "completed")
            try await desk.run(
                """
                UPDATE moose.workflow_runs SET received_at = now() - interval '31 days';
                UPDATE moose.sentinel_deliveries SET received_at = now() - interval '31 days'
                """)
            let step = try await desk.store.prune(
                .webhooks, olderThan: 30, from: 0, blocks: 8, limit: 500, dryRun: false)
            #expect(step.deleted == 4)
            #expect(try await desk.count("moose.workflow_runs") == 0)
            #expect(try await desk.count("moose.sentinel_deliveries") == 0)
        }
    }
}
