/// `workflow_run` webhooks as GitHub sends them, cut down to a tenth.
enum Webhook {
    static let sha = "acb5820ced9479c074f688cc328bf03f341a511d"

    static func body(
        action: String = "completed", workflow: String = "Build", run: Int = 30_433_642, attempt: Int = 1,
        conclusion: String? = "success", sha: String = sha, pullRequests: [Int],
        repository: String = "octo/hello-world",
        repositoryID: Int = 217_723_378
    ) -> String {
        let pulls = pullRequests.map { number in
            """
            {"id":1934,"number":\(number),"url":"https://api.github.com/repos/\(repository)/pulls/\(number)",\
            "head":{"ref":"patch","sha":"\(sha)","repo":{"id":\(repositoryID),"name":"hello-world"}},\
            "base":{"repo":{"id":\(repositoryID),"name":"hello-world"},"ref":"main","sha":"\(sha)"}}
            """
        }.joined(separator: ",")
        return """
            {"action":"\(action)","workflow_run":{"id":\(run),"name":"\(workflow)","head_branch":"patch",\
            "head_sha":"\(sha)","run_number":562,"event":"pull_request","status":"completed",\
            "conclusion":\(conclusion.map { "\"\($0)\"" } ?? "null"),"run_attempt":\(attempt),"pull_requests":[\(pulls)],\
            "html_url":"https://github.com/\(repository)/actions/runs/\(run)","actor":{"login":"octocat"}},\
            "repository":{"id":\(repositoryID),"full_name":"\(repository)","private":false}}
            """
    }
}
