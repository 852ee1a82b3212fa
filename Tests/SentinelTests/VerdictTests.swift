import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

@testable import Sentinel

/// What CI says becomes of the orders whose attempts made pull requests.
struct VerdictTests {
    private static let newer = String(repeating: "b", count: 40)

    @Test func `an attempt with a pull request is not done until CI says so`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12)
            #expect(try await desk.state(id) == "needs_review")
            #expect(try await desk.count("moose.outcome_vectors WHERE outcome = 'review' AND NOT success") == 1)
            try await desk.arrives("Build", run: 1)
            try await desk.look()
            #expect(try await desk.state(id) == "needs_review")
            try await desk.arrives("Test", run: 2)
            try await desk.look()
            #expect(try await desk.state(id) == "completed")
            #expect(try await desk.count("moose.outcome_vectors WHERE outcome = 'completed' AND success") == 1)
            #expect(
                try await desk.count(
                    """
                    moose.work_orders WHERE convert_from(result, 'UTF8') = '1' AND finished_at IS NOT NULL
                    AND metadata -> 'ci' ->> 'verdict' = 'passed' AND metadata -> 'ci' -> 'workflows' ->> 'Test' = 'success'
                    """) == 1)
            #expect(try await desk.events(id) == 0)
            #expect(try await desk.count("moose.reconcile()") == 0)
        }
    }

    @Test func `a failed build fails the order, with its class, a letter and one event`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12)
            try await desk.arrives("Build", "failure", run: 1)
            try await desk.arrives("Test", "skipped", run: 2)
            for _ in 0..<3 { try await desk.look() }
            #expect(
                try await desk.count(
                    "moose.work_orders WHERE state = 'failed' AND failure_class = 'compile_error' AND id = '\(id)'")
                    == 1)
            #expect(try await desk.events(id) == 1)
            #expect(try await desk.count("moose.dead_letters WHERE work_order_id = '\(id)' AND state = 'dead'") == 1)
            #expect(
                try await desk.count(
                    "moose.outcome_vectors WHERE outcome = 'failed' AND failure_class = 'compile_error' AND NOT success"
                )
                    == 1)
        }
    }

    @Test func `failed tests are for a person, and a run that passes later completes the order`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12)
            try await desk.arrives("Build", run: 1)
            try await desk.arrives("Test", "failure", run: 2)
            for _ in 0..<3 { try await desk.look() }
            #expect(try await desk.state(id) == "needs_review")
            #expect(try await desk.events(id) == 1)
            try await desk.arrives("Test", "success", run: 2, attempt: 2)
            try await desk.look()
            #expect(try await desk.state(id) == "completed")
            #expect(
                try await desk.count("moose.work_orders WHERE metadata -> 'ci' ->> 'flaky' = 'Test' AND error IS NULL")
                    == 1)
            #expect(try await desk.events(id) == 1)
        }
    }

    @Test func `a pull request CI never speaks of is told of once, after the deadline`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12)
            try await desk.look()
            #expect(try await desk.events(id) == 0)
            try await desk.run("UPDATE moose.work_orders SET ci_since = now() - interval '2 hours 1 second'")
            for _ in 0..<3 { try await desk.look() }
            #expect(try await desk.events(id) == 1)
            #expect(try await desk.state(id) == "needs_review")
            // It was only slow.
            try await desk.arrives("Build", run: 1)
            try await desk.arrives("Test", run: 2)
            try await desk.look()
            #expect(try await desk.state(id) == "completed")
        }
    }

    @Test func `what is missing at the deadline is named`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12)
            try await desk.arrives("Build", run: 1)
            try await desk.run("UPDATE moose.work_orders SET ci_since = now() - interval '2 hours 1 second'")
            try await desk.look()
            #expect(try await desk.events(id) == 0, "the deadline counts from the first result, where that is later")
            try await desk.run("UPDATE moose.workflow_runs SET received_at = now() - interval '2 hours 1 second'")
            try await desk.look()
            #expect(try await desk.events(id) == 1)
            #expect(
                try await desk.count("moose.work_orders WHERE error = 'CI is not complete: Test did not report'") == 1)
        }
    }

    @Test func `each commit is judged by its own runs`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12)
            try await desk.arrives("Build", run: 1)
            try await desk.arrives("Build", run: 3, sha: Self.newer)
            try await desk.arrives("Test", "failure", run: 2)
            try await desk.look()
            #expect(try await desk.state(id) == "needs_review")
            #expect(try await desk.events(id) == 0)
            try await desk.arrives("Test", run: 4, sha: Self.newer)
            try await desk.look()
            #expect(try await desk.state(id) == "completed")
        }
    }

    @Test func `results of the commit before the one that was pushed are not its own`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12, sha: Self.newer)
            try await desk.arrives("Build", "failure", run: 1)
            try await desk.arrives("Test", "success", run: 2)
            try await desk.look()
            #expect(try await desk.state(id) == "needs_review")
            #expect(try await desk.events(id) == 0)
            try await desk.arrives("Build", run: 3, sha: Self.newer)
            try await desk.arrives("Test", run: 4, sha: Self.newer)
            try await desk.look()
            #expect(try await desk.state(id) == "completed")
        }
    }

    @Test func `an order that failed and runs again is judged by its new commit`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12)
            try await desk.arrives("Build", "failure", run: 1)
            try await desk.arrives("Test", run: 2)
            try await desk.look()
            #expect(try await desk.state(id) == "failed")
            _ = try await desk.store.postgres.run("SELECT * FROM moose.retry_work_orders(\([id]), 'ann', 'again')")
            let token = try await desk.claim(ClaimItem(form: .registered(id), body: []))
            try await desk.propose((id, token), try #require(PullRequest(number: 12)))
            for _ in 0..<2 { try await desk.look() }
            #expect(try await desk.state(id) == "needs_review")
            // Nor is it when the new commit's results don't come.
            try await desk.run("UPDATE moose.work_orders SET ci_since = now() - interval '2 hours 1 second'")
            try await desk.look()
            #expect(
                try await desk.count(
                    "moose.work_orders WHERE state = 'needs_review' AND error LIKE 'CI has not reported%'") == 1)
            try await desk.arrives("Build", run: 3, sha: Self.newer)
            try await desk.arrives("Test", run: 4, sha: Self.newer)
            try await desk.look()
            #expect(try await desk.state(id) == "completed")
        }
    }

    @Test func `the same number in another repository is another pull request`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12, repository: "octo/other")
            try await desk.arrives("Build", "failure", run: 1)
            try await desk.arrives("Test", run: 2)
            try await desk.look()
            #expect(try await desk.state(id) == "needs_review")
            #expect(try await desk.events(id) == 0)
        }
    }

    @Test func `dependants start, and who asked is answered, when CI passed and not before`() async throws {
        try await SentinelDesk.open { desk in
            let order = try await desk.running(replyTo: "answers")
            let next = UUID.timeOrdered()
            let body = Array(
                #"{"id":"\#(next)","kind":"work","title":"t","estimated_cost_usd":"0","depends_on":["\#(order.id)"]}"#
                    .utf8)
            _ = try await desk.store.claim(
                [ClaimItem(form: try WorkOrderMessage.decode(body, messageID: nil, lane: "default"), body: body)],
                claim: UUID(),
                terms: ClaimTerms(
                    worker: desk.worker, lease: .seconds(45), unknownKindGrace: .seconds(600),
                    kinds: ["work": KindTerms(estimate: .zero)]), park: false)
            try await desk.propose(order, try #require(PullRequest(number: 12)))
            #expect(try await desk.state(next) == "blocked")
            #expect(try await desk.count("moose.outbox WHERE type = 'moose.outcome.v1'") == 0)
            try await desk.arrives("Build", run: 1)
            try await desk.arrives("Test", run: 2)
            try await desk.look()
            #expect(try await desk.state(next) == "pending")
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL AND id = '\(next)'") == 1)
            #expect(
                try await desk.count("moose.outbox WHERE type = 'moose.outcome.v1' AND routing_key = 'answers'") == 1)
        }
    }

    @Test func `a cancelled order stays cancelled, whatever CI says`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12)
            _ = try await desk.store.postgres.run("SELECT * FROM moose.cancel_work_orders(\([id]), 'ann', 'no')")
            try await desk.arrives("Build", run: 1)
            try await desk.arrives("Test", run: 2)
            for _ in 0..<2 { try await desk.look() }
            #expect(try await desk.state(id) == "cancelled")
            #expect(try await desk.count("moose.workflow_runs WHERE state = 'unmatched'") == 2)
        }
    }

    @Test func `an end that is refused leaves its order with the pull request of the attempt that counts`() async throws
    {
        try await SentinelDesk.open { desk in
            let lost = try await desk.running()
            try await desk.run("UPDATE moose.leases SET expires_at = now() - interval '1 second'")
            let key = LeaseKey(id: lost.id, token: lost.token)
            #expect(try await desk.store.rescue([key], maxAttempts: 5) == 1)
            let token = try await desk.claim(ClaimItem(form: .registered(lost.id), body: []))
            try await desk.propose((lost.id, token), try #require(PullRequest(number: 13)))
            #expect(try await !desk.end(lost, try #require(PullRequest(number: 12))))
            #expect(try await desk.count("moose.work_orders WHERE github_pr_number = 13") == 1)
            // A verdict on the attempt before isn't one on this.
            try await desk.arrives("Build", "failure", run: 1, pull: 13)
            try await desk.arrives("Test", run: 2, pull: 13)
            let seen = try #require(try await desk.store.ciResults(deadline: .seconds(60)).first)
            #expect(seen.token == token && seen.runs.count == 2)
            try await desk.run("UPDATE moose.work_orders SET fencing_token = fencing_token + 1")
            let late = CIDecision(commit: seen, verdict: .failed, failureClass: nil, message: "late", facts: "{}")
            #expect(try await desk.store.applyCIVerdicts([late]) == [])
        }
    }

    @Test func `once a newer commit was judged, the results of an older one say nothing`() async throws {
        try await SentinelDesk.open { desk in
            try await desk.arrives("Build", run: 1)
            try await desk.arrives("Test", run: 2)
            try await desk.arrives("Build", run: 3, sha: Self.newer)
            try await desk.arrives("Test", "failure", run: 4, sha: Self.newer)
            let id = try await desk.proposed(12)
            for _ in 0..<3 {
                try await desk.look()
                try await desk.run("UPDATE moose.workflow_runs SET due_at = now()")
            }
            #expect(try await desk.state(id) == "needs_review")
            #expect(try await desk.events(id) == 1)
        }
    }

    @Test func `two orders of one pull request are both judged, also when one has ended before`() async throws {
        try await SentinelDesk.open { desk in
            let first = try await desk.proposed(12, sha: Webhook.sha)
            try await desk.arrives("Build", run: 1)
            try await desk.arrives("Test", run: 2)
            try await desk.look()
            #expect(try await desk.state(first) == "completed")
            let second = try await desk.proposed(12, sha: Webhook.sha)
            try await desk.look()
            #expect(try await desk.state(second) == "completed")
            // Results that come while nobody waits rest until somebody does.
            try await desk.arrives("Build", run: 3, sha: Self.newer)
            try await desk.arrives("Test", run: 4, sha: Self.newer)
            try await desk.look()
            let third = try await desk.proposed(12)
            try await desk.look()
            #expect(try await desk.state(third) == "completed")
        }
    }

    @Test func `each new verdict on a commit is told, and the same one only once`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12)
            try await desk.arrives("Build", run: 1)
            try await desk.arrives("Test", "failure", run: 2)
            for _ in 0..<2 { try await desk.look() }
            try await desk.arrives("Deploy", "failure", run: 3)
            try await desk.look()
            #expect(try await desk.events(id) == 1, "a workflow that doesn't count is no news")
            try await desk.arrives("Test", "failure", run: 2, attempt: 2)
            try await desk.look()
            #expect(try await desk.events(id) == 2, "it failed again after somebody ran it again")
            try await desk.arrives("Build", "failure", run: 1, attempt: 2)
            try await desk.arrives("Test", run: 2, attempt: 3)
            try await desk.look()
            #expect(try await desk.state(id) == "failed")
            #expect(try await desk.events(id) == 3)
        }
    }

    @Test func `the deadline counts for the next commit, too`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12)
            try await desk.arrives("Build", "cancelled", run: 1)
            try await desk.arrives("Test", "cancelled", run: 2)
            try await desk.look()
            #expect(try await desk.events(id) == 1)
            try await desk.arrives("Build", run: 3, sha: Self.newer)
            try await desk.look()
            #expect(try await desk.events(id) == 1)
            try await desk.run(
                "UPDATE moose.workflow_runs SET received_at = now() - interval '2 hours 1 second', due_at = now()")
            try await desk.look()
            #expect(try await desk.events(id) == 2)
            #expect(
                try await desk.count("moose.work_orders WHERE error = 'CI is not complete: Test did not report'") == 1)
        }
    }

    @Test func `a verdict on results that changed meanwhile is not taken`() async throws {
        try await SentinelDesk.open { desk in
            let id = try await desk.proposed(12)
            try await desk.arrives("Build", "failure", run: 1)
            try await desk.arrives("Test", run: 2)
            let seen = try #require(try await desk.store.ciResults(deadline: .seconds(60)).first)
            try await desk.arrives("Build", "success", run: 1, attempt: 2)
            let late = CIDecision(
                commit: seen, verdict: .failed, failureClass: .compileError, message: "CI failed", facts: "{}")
            #expect(try await desk.store.applyCIVerdicts([late]) == [])
            #expect(try await desk.state(id) == "needs_review")
            try await desk.look()
            #expect(try await desk.state(id) == "completed")
        }
    }

    @Test func `two judges at once give one verdict`() async throws {
        try await SentinelDesk.open { desk in
            var ids: [UUID] = []
            for number in 1...20 { ids.append(try await desk.proposed(number)) }
            for number in 1...20 {
                try await desk.arrives("Build", "failure", run: Int64(number * 10), pull: Int32(number))
                try await desk.arrives("Test", run: Int64(number * 10 + 1), pull: Int32(number))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { try await desk.look() } }
                try await group.waitForAll()
            }
            #expect(try await desk.count("moose.work_orders WHERE state = 'failed'") == 20)
            #expect(try await desk.count("moose.outbox WHERE type = 'moose.error-event.v1'") == 20)
            #expect(try await desk.count("moose.dead_letters") == 20)
        }
    }
}
