import ClientManager
import FoundationEssentials
import Reporting
import Sentinel
import Store
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// Failure mode 6: CI is done before its work order knows the number of its pull request.
struct FailureMode06WebhookFirstTests {
    @Test func `results that came before the pull request's number are tried again, and then right`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            let pull = PullRequest(number: 12, repository: "octo/hello-world")
            let handlers = PoolScriptedHandler.registry { _ in
                await gate.pass()
                return .completed(AttemptReport(didStart: true, cost: .zero, pullRequest: pull))
            }
            var sentinel = SentinelJudge()
            sentinel.workflows = ["Build", "Test"]
            sentinel.interval = .milliseconds(20)
            try await bench.withPool(handlers) { _, _ in
                defer { gate.open() }
                let id = try await bench.publishWork(1)[0]
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'in_progress'")
                try await bench.withClientManager(sentinel: sentinel) {
                    let receiver = SentinelReceiver(
                        store: bench.control, secret: Self.secret,
                        reporter: Reporter(component: "sentinel", logger: PoolBench.logger))
                    #expect(await receiver.receive(Self.webhook("Build", run: 1, "success")) == .accepted)
                    #expect(await receiver.receive(Self.webhook("Test", run: 2, "success")) == .accepted)
                    // Looked at, more than once, and nothing is said or done.
                    try await bench.waitFor(2, "moose.workflow_runs WHERE tries >= 2 AND state = 'waiting'")
                    #expect(try await bench.state(id) == "in_progress")

                    gate.open()
                    try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed' AND id = '\(id)'")
                    try await bench.waitFor(0, "moose.outbox")
                }
                #expect(
                    try await bench.count(
                        "moose.work_orders WHERE attempt = 1 AND metadata -> 'ci' ->> 'verdict' = 'passed'")
                        == 1)
                #expect(try await bench.count("moose.outcome_vectors WHERE success") == 1)
                #expect(try await bench.count("moose.escalation_events") == 0)
            }
        }
    }

    @Test func `results whose number never comes are escalated`() async throws {
        try await PoolBench.open { bench in
            var sentinel = SentinelJudge()
            sentinel.interval = .milliseconds(20)
            sentinel.unmatchedAfter = .milliseconds(100)
            try await bench.withClientManager(sentinel: sentinel) {
                let receiver = SentinelReceiver(
                    store: bench.control, secret: Self.secret,
                    reporter: Reporter(component: "sentinel", logger: PoolBench.logger))
                for run in 1...3 {
                    #expect(await receiver.receive(Self.webhook("Build", run: run, "failure")) == .accepted)
                }
                try await bench.waitFor(
                    1, "moose.escalations WHERE component = 'sentinel' AND operation = 'match' AND count = 3")
                try await bench.waitFor(0, "moose.outbox")
            }
            #expect(try await bench.count("moose.escalations") == 1)
        }
    }

    private static let secret = "a secret for tests, long enough"

    private static func webhook(_ workflow: String, run: Int, _ conclusion: String) -> SentinelRequest {
        let sha = String(repeating: "a", count: 40)
        let body = Array(
            """
            {"action":"completed","repository":{"full_name":"octo/hello-world"},"workflow_run":{"id":\(run),"name":"\(workflow)",
            "head_sha":"\(sha)","run_attempt":1,"conclusion":"\(conclusion)","pull_requests":[{"number":12}]}}
            """.utf8)
        return SentinelRequest(
            signature: WebhookSignature.of(body, secret: secret), event: "workflow_run", delivery: UUID().uuidString,
            contentType: "application/json", body: body)
    }
}
