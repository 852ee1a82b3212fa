import FoundationEssentials
import Testing
import WorkOrders

@testable import Sentinel

struct WorkflowRunDeliveryTests {
    private func delivery(_ old: String = "", _ new: String = "") throws -> WorkflowRunDelivery {
        let text = Webhook.body(pullRequests: [12], repositoryID: 7)
        if !old.isEmpty { try #require(text.contains(old), "the example has no \(old)") }
        return try WorkflowRunDelivery(Array(text.replacing(old, with: new).utf8))
    }

    @Test func `what a verdict needs is read, the rest is passed over`() throws {
        let run = try delivery()
        #expect(run.action == "completed")
        #expect(run.repository == "octo/hello-world")
        #expect(run.workflow == "Build")
        #expect(run.runID == 30_433_642)
        #expect(run.runAttempt == 1)
        #expect(run.headSHA == Webhook.sha)
        #expect(run.conclusion == "success")
        #expect(run.url == "https://github.com/octo/hello-world/actions/runs/30433642")
        #expect(run.pullRequests == [12])
    }

    @Test func `a pull request of another repository with the same branch is not ours`() throws {
        #expect(try delivery(#""base":{"repo":{"id":7"#, #""base":{"repo":{"id":8"#).pullRequests == [])
    }

    @Test func `a run with a name of its own is known by its workflow's`() throws {
        let run = try delivery(#""repository":{"#, #""workflow":{"name":"Test"},"repository":{"#)
        #expect(run.workflow == "Test")
    }

    @Test func `repositories are the same in any case`() throws {
        #expect(
            try delivery("octo/hello-world\",\"private", "Octo/Hello-World\",\"private").repository
                == "octo/hello-world")
        #expect(PullRequest(number: 1, repository: "Octo/Hello-World")?.repository == "octo/hello-world")
    }

    @Test(arguments: [
        (#""action":"completed","#, "", "action is missing"),
        (#""head_sha":"\#(Webhook.sha)","#, "", "workflow_run.head_sha is missing"),
        (Webhook.sha, "main", "workflow_run.head_sha is not the hash of a commit"),
        (#""id":30433642"#, #""id":"30433642""#, "workflow_run.id has the wrong type"),
        (#""id":30433642"#, #""id":99999999999999999999"#, "workflow_run.id is out of range"),
        (#""id":30433642"#, #""id":null"#, "workflow_run.id is missing"),
        (#""action":"completed","#, #""action":"completed","\u0061ction":"x","#, "action stands twice in its object"),
        (#""run_attempt":1"#, #""run_attempt":1.5"#, "workflow_run.run_attempt is out of range"),
        (#""number":12"#, #""number":"12""#, "workflow_run.pull_requests.0.number has the wrong type"),
        (#""octo/hello-world""#, #""octo""#, "repository.full_name is not owner/name"),
        (#""octo/hello-world""#, #""../../etc/passwd""#, "repository.full_name is not owner/name"),
        (#""name":"Build""#, #""name":7"#, "workflow_run.name has the wrong type"),
        (#""run_attempt":1"#, #""run_attempt":0"#, "workflow_run.run_attempt can't be GitHub's"),
        ("{", "[", "the body is not valid JSON"),
    ])
    func `what is missing or wrong is said by its name`(_ old: String, _ new: String, _ words: String) {
        #expect(throws: DeliveryProblem(words)) { try delivery(old, new) }
    }

    @Test(arguments: [
        (#""name":"Build","#, #""name":null,"#), (#""name":"Build","#, ""), (#""name":"Build","#, #""name":"","#),
    ])
    func `a run without a name is known by its workflow's, or by the path of its file`(_ old: String, _ new: String)
        throws
    {
        let text = Webhook.body(pullRequests: [12]).replacing(old, with: new)
        func workflow(_ more: String, run: String = "") throws -> String? {
            try WorkflowRunDelivery(
                Array(
                    text.replacing(#""workflow_run":{"#, with: #""workflow_run":{"# + run)
                        .replacing(#""repository":{"#, with: more + #""repository":{"#).utf8)
            ).workflow
        }
        #expect(try workflow(#""workflow":{"id":5,"name":"Build"},"#) == "Build")
        #expect(try workflow(#""workflow":null,"#) == nil)
        #expect(try workflow("") == nil)
        #expect(
            try workflow(#""workflow":{"name":null,"path":".github/workflows/a.yml"},"#) == ".github/workflows/a.yml")
        #expect(try workflow("", run: #""path":".github/workflows/a.yml@main","#) == ".github/workflows/a.yml")
    }

    @Test(arguments: [
        (#""run_attempt":1,"#, ""), (#""run_attempt":1"#, #""run_attempt":null"#),
        (#""conclusion":"success""#, #""conclusion":null"#), (#""head_branch":"patch","#, #""head_branch":null,"#),
        (#""id":30433642"#, #""id":9007199254740993"#), (#""id":217723378"#, #""id":9007199254740993"#),
        (#""private":false"#, #""private":false,"unheard_of":[{}]"#), ("{\"action\"", "\u{FEFF}{\"action\""),
    ])
    func `what GitHub leaves out, adds or counts far is read`(_ old: String, _ new: String) throws {
        let text = Webhook.body(pullRequests: [12])
        try #require(text.contains(old))
        let run = try WorkflowRunDelivery(Array(text.replacing(old, with: new).utf8))
        #expect(run.pullRequests == [12])
        #expect(run.runAttempt == 1)
        #expect(
            run.runID
                == (new == #""id":9007199254740993"# && old.contains("30433642") ? 9_007_199_254_740_993 : 30_433_642))
    }

    @Test(arguments: [
        #""pull_requests":null"#, #""pull_requests":[null]"#, #""pull_requests":[{"number":null}]"#, #""x":1"#,
    ])
    func `a run without pull requests has none`(_ new: String) throws {
        let text = Webhook.body(pullRequests: [])
        #expect(
            try WorkflowRunDelivery(Array(text.replacing(#""pull_requests":[]"#, with: new).utf8)).pullRequests == [])
    }

    @Test func `bytes that are no text are not JSON`() {
        #expect(throws: DeliveryProblem("the body is not valid JSON")) {
            try WorkflowRunDelivery(Array("{\"action\":\"".utf8) + [0xff, 0xfe] + Array("\"}".utf8))
        }
        let deep = Array(repeating: UInt8(ascii: "["), count: 10_000)
        #expect(throws: DeliveryProblem.self) { try WorkflowRunDelivery(deep) }
    }
}
