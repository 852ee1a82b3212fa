internal import FoundationEssentials
internal import WorkOrders

/// What a command wrote to its result file.
struct CommandResult: Equatable {
    /// More than this is not read.
    static let limit = 1_048_576

    /// The value of `result`, byte for byte.
    var result: [UInt8]?
    /// What CI is to judge the work by.
    var pullRequest: PullRequest?
    var cost: MicroUSD?
    var tokensIn: Int?
    var tokensOut: Int?
    var error: String?
    var failureClass: FailureClass?
    var retry: Bool?
    /// When to try again after a failure: a second to a day.
    var retryAfter: Duration?
    /// When to run again although nothing failed: a second to a week.
    var snooze: Duration?
    /// What is wrong with the file; what could be read all the same is in the other fields.
    var complaint: String?

    static let none = CommandResult()

    private init() {}

    init(complaint: String) { self.complaint = complaint }

    /// Reads the file's bytes; whatever is wrong with them ends up in ``complaint``.
    init(_ bytes: [UInt8]) {
        let decoded: Fields
        do {
            guard (try? UTF8Span(validating: bytes.span)) != nil else {
                complaint = "the result file is not valid UTF-8"
                return
            }
            guard JSONSyntax.accepts(bytes) else {
                complaint = "the result file is not valid JSON"
                return
            }
            decoded = try JSONDecoder().decode(Fields.self, from: Data(bytes))
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            let field = context.codingPath.first?.stringValue
            complaint =
                field.map { "\($0) in the result file has the wrong type" } ?? "the result file is no JSON object"
            return
        } catch {
            // The syntax was checked before, and the decoder's own words may quote the input.
            complaint = "the result file holds a number that is out of range"
            return
        }
        if let members = JSONMembers(bytes), let range = members.value(of: "result") { result = Array(bytes[range]) }
        cost = decoded.cost?.amount
        tokensIn = decoded.tokensIn
        tokensOut = decoded.tokensOut
        error = decoded.error.map { PlainText.line($0) }
        failureClass = decoded.failureClass.map { FailureClass(rawValue: $0) ?? .unknown }
        retry = decoded.retry
        retryAfter = decoded.retryAfter.flatMap { Self.wait($0, atMost: 86_400) }
        snooze = decoded.snooze.flatMap { Self.wait($0, atMost: 604_800) }
        if decoded.retryAfter != nil && retryAfter == nil || decoded.snooze != nil && snooze == nil {
            complaint = "retry_after_seconds and snooze_seconds in the result file must not be negative"
        }
        pullRequest = decoded.pullRequest?.value
        if decoded.pullRequest != nil && pullRequest == nil {
            complaint =
                "pull_request in the result file needs a number from 1, a repository like owner/name and a head_sha of "
                + "40 hex digits; the last two may be left out"
        }
        if let cost = decoded.cost, cost.amount == nil {
            complaint = "cost_usd in the result file must be between 0 and 1000000000"
        }
        if tokensIn ?? 0 < 0 || tokensOut ?? 0 < 0 {
            complaint = "tokens_in and tokens_out in the result file must not be negative"
            tokensIn = nil
            tokensOut = nil
        }
    }

    /// At least a second, so that nothing spins; nil when it is negative.
    private static func wait(_ seconds: Double, atMost limit: Double) -> Duration? {
        seconds >= 0 ? .seconds(min(max(seconds, 1), limit)) : nil
    }

    private struct Fields: Decodable {
        var pullRequest: PullRequestField?
        var cost: ReportedCost?
        var tokensIn: Int?
        var tokensOut: Int?
        var error: String?
        var failureClass: String?
        var retry: Bool?
        var retryAfter: Double?
        var snooze: Double?

        enum CodingKeys: String, CodingKey {
            case error, retry
            case pullRequest = "pull_request"
            case retryAfter = "retry_after_seconds"
            case snooze = "snooze_seconds"
            case cost = "cost_usd"
            case tokensIn = "tokens_in"
            case tokensOut = "tokens_out"
            case failureClass = "failure_class"
        }
    }

    /// A number alone, or with what it belongs to.
    private struct PullRequestField: Decodable {
        let value: PullRequest?

        init(from decoder: any Decoder) throws {
            if let number = try? decoder.singleValueContainer().decode(Int.self) {
                value = PullRequest(number: number)
                return
            }
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            value = PullRequest(
                number: try fields.decodeIfPresent(Int.self, forKey: .number) ?? 0,
                repository: try fields.decodeIfPresent(String.self, forKey: .repository),
                headSHA: try fields.decodeIfPresent(String.self, forKey: .headSHA))
        }

        enum CodingKeys: String, CodingKey {
            case number, repository
            case headSHA = "head_sha"
        }
    }
}
