import FoundationEssentials
import Testing

@testable import Sentinel

/// What whoever sets up the webhook sees.
struct WebhookTests {
    @Test(.timeLimit(.minutes(2))) func `each kind of request has its answer`() async throws {
        try await SentinelDesk.open { desk in
            try await desk.serving { url in
                let body = Webhook.body(pullRequests: [12])
                #expect(try await desk.post(url, body) == (202, "{\"status\":\"accepted\"}\n"))
                let (ping, words) = try await desk.post(
                    url, "{\"zen\":\"Keep it logically awesome.\"}", ["X-GitHub-Event": "ping"])
                #expect(ping == 202 && words.contains("ignored"))
                #expect(
                    try await desk.post(url, Webhook.body(action: "requested", conclusion: nil, pullRequests: [12])).0
                        == 202)
                let (push, why) = try await desk.post(url, Webhook.body(pullRequests: []))
                #expect(push == 202 && why.contains("no pull request"))
                #expect(try await desk.post(url, "{").0 == 400)
                let (form, hint) = try await desk.post(
                    url, "payload=%7B%7D", ["Content-Type": "application/x-www-form-urlencoded"])
                #expect(form == 400 && hint.contains("set the webhook's content type to application/json"))
                // A ping as well, or the set-up looks right and takes nothing.
                let (formPing, formHint) = try await desk.post(
                    url, "payload=%7B%7D",
                    ["Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "X-GitHub-Event": "ping"])
                #expect(formPing == 400 && formHint.contains("application/json"))
                for event in ["push", "check_run", "check_suite", "pull_request", "workflow_job", "star"] {
                    #expect(try await desk.post(url, "{}", ["X-GitHub-Event": event]).0 == 202)
                }
                #expect(try await desk.post(url, body, ["X-GitHub-Event": nil]).0 == 400)
                #expect(try await desk.post(url + "/", body).0 == 404)
                #expect(try await desk.post(url + "s", body).0 == 404)
                let nameless = body.replacing(#""name":"Build""#, with: #""name":null"#)
                #expect(try await desk.post(url, nameless).1.contains("names no workflow"))
                let (missing, name) = try await desk.post(url, body, ["X-GitHub-Delivery": nil])
                #expect(missing == 400 && name.contains("X-GitHub-Delivery"))
                #expect(try await desk.count("moose.workflow_runs") == 1)
            }
        }
    }

    @Test(.timeLimit(.minutes(2))) func `a delivery that comes twice counts once`() async throws {
        try await SentinelDesk.open { desk in
            try await desk.serving { url in
                let body = Webhook.body(conclusion: "failure", pullRequests: [12])
                let id = ["X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"] as [String: String?]
                let (first, _) = try await desk.post(url, body, id)
                #expect(first == 202)
                #expect(try await desk.post(url, body, id) == (200, "{\"status\":\"seen before\"}\n"))
                // Not even with another content, as nobody but GitHub can sign.
                #expect(try await desk.post(url, Webhook.body(run: 5, pullRequests: [13]), id).0 == 200)
                #expect(try await desk.count("moose.workflow_runs") == 1)
            }
        }
    }

    @Test(.timeLimit(.minutes(2))) func `without a secret nothing is taken, not even with an empty one`() async throws {
        try await SentinelDesk.open { desk in
            try await desk.serving(secret: nil) { url in
                let body = Webhook.body(pullRequests: [12])
                let (status, words) = try await desk.post(
                    url, body, ["X-Hub-Signature-256": WebhookSignature.of(Array(body.utf8), secret: "")])
                #expect(status == 503 && words.contains("MOOSE_SENTINEL_SECRET"))
                #expect(try await desk.count("moose.workflow_runs") == 0)
            }
        }
    }
}
