import FoundationEssentials
import Postgres
import Store
import Testing

@testable import Sentinel

/// Failure mode 9: somebody who is not GitHub says that CI passed.
struct FailureMode09BadSignatureTests {
    @Test(.timeLimit(.minutes(2))) func `a webhook with a bad signature is answered 401 and changes nothing`()
        async throws
    {
        try await SentinelDesk.open { desk in
            try await desk.serving { url in
                let id = try await desk.proposed(12)
                let before = try await everything(desk)
                let passed = ["Build", "Test"].enumerated().map {
                    Webhook.body(workflow: $1, run: $0, pullRequests: [12])
                }
                for body in passed {
                    let bytes = Array(body.utf8)
                    let good = WebhookSignature.of(bytes, secret: SentinelDesk.secret)
                    for bad in [
                        nil, "", "sha256=", String(good.dropFirst(7)), String(good.dropLast()), good + "0",
                        "sha1=" + good.dropFirst(7), WebhookSignature.of(bytes, secret: "another secret, as long"),
                        WebhookSignature.of(bytes + [10], secret: SentinelDesk.secret),
                        WebhookSignature.of(bytes, secret: ""),
                    ] {
                        let (status, problem) = try await desk.post(url, body, ["X-Hub-Signature-256": bad])
                        #expect(status == 401, "\(bad ?? "none")")
                        #expect(
                            problem.contains(
                                "X-Hub-Signature-256 is missing or was not made with this webhook's secret"))
                        #expect(!problem.contains(good.dropFirst(7)))
                    }
                }
                try await desk.look()
                #expect(try await everything(desk) == before)
                #expect(try await desk.state(id) == "needs_review")

                // The same bodies from GitHub.
                for body in passed { #expect(try await desk.post(url, body).0 == 202) }
                try await desk.look()
                #expect(try await desk.state(id) == "completed")
            }
        }
    }

    /// All that a webhook could have changed.
    private func everything(_ desk: SentinelDesk) async throws -> String {
        try #require(
            try await desk.store.postgres.run(
                """
                SELECT concat(
                    (SELECT json_agg(w ORDER BY w.id) FROM moose.work_orders w),
                    (SELECT json_agg(v) FROM moose.outcome_vectors v), (SELECT json_agg(r) FROM moose.workflow_runs r),
                    (SELECT json_agg(d) FROM moose.sentinel_deliveries d), (SELECT json_agg(o) FROM moose.outbox o))
                """
            ).first
        ).decode(0, as: String.self)
    }
}
