internal import FoundationEssentials
internal import WorkOrders

/// What a `workflow_run` webhook says, as far as a verdict needs it.
struct WorkflowRunDelivery: Equatable {
    /// `completed`, or something that is no result yet: `requested`, `in_progress`.
    let action: String
    /// `owner/name` in lower case.
    let repository: String
    /// The name of the workflow: `Build`, `Test`, …
    let workflow: String
    let runID: Int64
    /// 1, and one more each time somebody runs it again.
    let runAttempt: Int32
    /// The commit it ran for, in lower-case hex.
    let headSHA: String
    /// `success`, `failure`, `cancelled`, …; nil while it runs.
    let conclusion: String?
    /// Where a person can look at it.
    let url: String?
    /// The pull requests of this repository whose newest commit that is. GitHub names none for pull requests from forks.
    let pullRequests: [Int32]

    /// - Throws: ``DeliveryProblem`` with what is wrong, in words for whoever set up the webhook.
    init(_ body: [UInt8]) throws(DeliveryProblem) {
        guard (try? UTF8Span(validating: body.span)) != nil, JSONSyntax.accepts(body) else {
            throw DeliveryProblem("the body is not valid JSON")
        }
        let fields: Fields
        do {
            fields = try JSONDecoder().decode(Fields.self, from: Data(body))
        } catch DecodingError.keyNotFound(let key, let context) {
            throw DeliveryProblem(Self.path(context.codingPath + [key]) + " is missing")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            throw DeliveryProblem(Self.path(context.codingPath) + " has the wrong type")
        } catch {
            // The syntax was checked before, and the decoder's own words may quote the input.
            throw DeliveryProblem("a number is out of range")
        }
        let run = fields.run
        guard PullRequest.isRepository(fields.repository.name) else {
            throw DeliveryProblem("repository.full_name is not owner/name")
        }
        guard PullRequest.isCommit(run.headSHA) else {
            throw DeliveryProblem("workflow_run.head_sha is not the hash of a commit")
        }
        // A run that its file names by `run-name` may carry that as its own name.
        let name = fields.workflow?.name ?? run.name
        guard !name.isEmpty, name.utf8.count <= 1000, run.runAttempt ?? 1 >= 1 else {
            throw DeliveryProblem("workflow_run.name or workflow_run.run_attempt can't be GitHub's")
        }
        action = fields.action
        repository = fields.repository.name.lowercased()
        workflow = name.withoutNUL
        runID = run.id
        runAttempt = run.runAttempt ?? 1
        headSHA = run.headSHA.lowercased()
        conclusion = run.conclusion.map { String($0.prefix(100)).withoutNUL }
        url = run.url.map { String($0.prefix(2000)).withoutNUL }
        pullRequests = run.pullRequests
            .filter {
                $0.base?.repo?.id == nil || fields.repository.id == nil || $0.base?.repo?.id == fields.repository.id
            }
            .map(\.number).filter { $0 > 0 }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.isEmpty ? "the body" : keys.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }.joined(separator: ".")
    }

    private struct Fields: Decodable {
        let action: String
        let run: Run
        let repository: Repository
        let workflow: Workflow?

        enum CodingKeys: String, CodingKey {
            case action, repository, workflow
            case run = "workflow_run"
        }
    }

    private struct Workflow: Decodable { let name: String? }

    private struct Repository: Decodable {
        let id: Int64?
        let name: String

        enum CodingKeys: String, CodingKey {
            case id
            case name = "full_name"
        }
    }

    private struct Run: Decodable {
        let id: Int64
        let name: String
        let headSHA: String
        let runAttempt: Int32?
        let conclusion: String?
        let url: String?
        let pullRequests: [Pull]

        enum CodingKeys: String, CodingKey {
            case id, name, conclusion
            case headSHA = "head_sha"
            case runAttempt = "run_attempt"
            case url = "html_url"
            case pullRequests = "pull_requests"
        }
    }

    private struct Pull: Decodable {
        let number: Int32
        let base: Base?

        struct Base: Decodable { let repo: Repo? }
        struct Repo: Decodable { let id: Int64? }
    }
}

/// Why a delivery can't be used.
struct DeliveryProblem: Error, Equatable {
    let words: String

    init(_ words: String) { self.words = words }
}
