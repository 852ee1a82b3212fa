internal import FoundationEssentials
internal import WorkOrders

/// What a `workflow_run` webhook says, as far as a verdict needs it.
struct WorkflowRunDelivery: Equatable {
    /// `completed`, or something that is no result yet: `requested`, `in_progress`.
    let action: String
    /// `owner/name` in lower case.
    let repository: String
    /// The name of the workflow: `Build`, `Test`, …; the path of its file where it has none. Nil where neither is said.
    let workflow: String?
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
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let body = body.starts(with: mark) ? Array(body.dropFirst(mark.count)) : body
        guard (try? UTF8Span(validating: body.span)) != nil else { throw DeliveryProblem("the body is not valid JSON") }
        switch JSONSyntax.fault(in: body) {
        case nil: break
        case .malformed: throw DeliveryProblem("the body is not valid JSON")
        case .repeatedName(let name): throw DeliveryProblem("\(name) stands twice in its object")
        }
        let fields: Fields
        do {
            fields = try JSONDecoder().decode(Fields.self, from: Data(body))
        } catch DecodingError.keyNotFound(let key, let context) {
            throw DeliveryProblem(Self.path(context.codingPath + [key]) + " is missing")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            throw DeliveryProblem(Self.path(context.codingPath) + " has the wrong type")
        } catch let problem as DeliveryProblem {
            throw problem
        } catch {
            // The syntax was checked before, and the decoder's own words may quote the input.
            throw DeliveryProblem("a text or a number in the body can't be read")
        }
        let run = fields.run
        guard PullRequest.isRepository(fields.repository.name) else {
            throw DeliveryProblem("repository.full_name is not owner/name")
        }
        guard PullRequest.isCommit(run.headSHA) else {
            throw DeliveryProblem("workflow_run.head_sha is not the hash of a commit")
        }
        guard run.runAttempt ?? 1 >= 1 else { throw DeliveryProblem("workflow_run.run_attempt can't be GitHub's") }
        action = fields.action
        repository = fields.repository.name.lowercased()
        // A run that its file names by `run-name` may carry that as its own name. A workflow without a name is known by
        // the path of its file, as GitHub shows it; the run says it with the branch behind an @.
        let path = fields.workflow?.path ?? run.path.map { String($0.prefix { $0 != "@" }) }
        workflow = [fields.workflow?.name, run.name, path].compactMap { $0 }.first { !$0.isEmpty }
            .map { String($0.prefix(500)).withoutNUL }
        runID = run.id
        runAttempt = run.runAttempt ?? 1
        headSHA = run.headSHA.lowercased()
        conclusion = run.conclusion.map { String($0.prefix(100)).withoutNUL }
        url = run.url.map { String($0.prefix(2000)).withoutNUL }
        pullRequests = (run.pullRequests ?? [])
            .filter { pull in
                let base = pull?.base?.repo?.id
                return base == nil || fields.repository.id == nil || base == fields.repository.id
            }
            .compactMap { $0?.number }.filter { $0 > 0 }
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

    private struct Workflow: Decodable {
        let name: String?
        let path: String?
    }

    private struct Repository: Decodable {
        let id: Int64?
        let name: String

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            id = try fields.naming(.id, Int64.self, "repository.id")
            name = try fields.decode(String.self, forKey: .name)
        }

        enum CodingKeys: String, CodingKey {
            case id
            case name = "full_name"
        }
    }

    private struct Run: Decodable {
        let id: Int64
        let name: String?
        let path: String?
        let headSHA: String
        let runAttempt: Int32?
        let conclusion: String?
        let url: String?
        let pullRequests: [Pull?]?

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            guard let id = try fields.naming(.id, Int64.self, "workflow_run.id") else {
                throw DeliveryProblem("workflow_run.id is missing")
            }
            self.id = id
            name = try fields.decodeIfPresent(String.self, forKey: .name)
            path = try fields.decodeIfPresent(String.self, forKey: .path)
            headSHA = try fields.decode(String.self, forKey: .headSHA)
            runAttempt = try fields.naming(.runAttempt, Int32.self, "workflow_run.run_attempt")
            conclusion = try fields.decodeIfPresent(String.self, forKey: .conclusion)
            url = try fields.decodeIfPresent(String.self, forKey: .url)
            pullRequests = try fields.decodeIfPresent([Pull?].self, forKey: .pullRequests)
        }

        enum CodingKeys: String, CodingKey {
            case id, name, path, conclusion
            case headSHA = "head_sha"
            case runAttempt = "run_attempt"
            case url = "html_url"
            case pullRequests = "pull_requests"
        }
    }

    private struct Pull: Decodable {
        let number: Int32?
        let base: Base?

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            number = try fields.naming(.number, Int32.self, "workflow_run.pull_requests.number")
            base = try fields.decodeIfPresent(Base.self, forKey: .base)
        }

        enum CodingKeys: String, CodingKey { case number, base }
        struct Base: Decodable { let repo: Repo? }
        struct Repo: Decodable {
            let id: Int64?

            init(from decoder: any Decoder) throws {
                let fields = try decoder.container(keyedBy: CodingKeys.self)
                id = try fields.naming(.id, Int64.self, "workflow_run.pull_requests.base.repo.id")
            }

            enum CodingKeys: String, CodingKey { case id }
        }
    }
}

extension KeyedDecodingContainer {
    /// A whole number; nil where it is null or isn't there. The decoder doesn't name the field of one that doesn't fit.
    fileprivate func naming<Number: Decodable>(_ key: Key, _ type: Number.Type, _ name: String) throws -> Number? {
        do {
            return try decodeIfPresent(type, forKey: key)
        } catch let error as DecodingError where !error.isCorruption {
            throw error
        } catch {
            // The decoder has an error of its own for a number that its type can't hold, and doesn't say which it was.
            throw DeliveryProblem("\(name) is out of range")
        }
    }
}

extension DecodingError {
    fileprivate var isCorruption: Bool {
        if case .dataCorrupted = self { true } else { false }
    }
}

/// Why a delivery can't be used.
struct DeliveryProblem: Error, Equatable {
    let words: String

    init(_ words: String) { self.words = words }
}
