internal import FoundationEssentials
internal import WorkOrders

/// What an attempt comes to when a service has answered. Pure; every rule of the status codes stands here.
struct HTTPVerdict {
    /// More of a response is not read.
    static let bodyLimit = 1_048_576

    var status: Int
    /// Nil when the body is larger than ``bodyLimit``. The beginning only when the status is not 2xx.
    var body: [UInt8]?
    /// The header that was configured to hold the cost.
    var costHeader: String?
    var retryAfter: String?
    var now: Date

    var outcome: Outcome {
        var report = AttemptReport(didStart: true)
        let bill = bill
        // A header that is configured is the whole answer: a body's cost may mean something else there.
        let cost = costHeader.map { ReportedCost(decimal: $0) } ?? bill?.cost
        report.cost = cost?.amount
        report.tokensIn = bill?.tokensIn
        report.tokensOut = bill?.tokensOut
        guard (200...299).contains(status) else {
            report.output = body.flatMap(Self.text)
            return .failed(failure, report)
        }
        guard let body else {
            return .failed(
                AttemptFailure(.malformedOutput, "the service answered with more than \(Self.bodyLimit) bytes"), report)
        }
        if let cost, cost.amount == nil {
            return .failed(
                AttemptFailure(.malformedOutput, "the service reported a cost that is not between 0 and 1000000000"),
                report)
        }
        report.result = Self.result(body)
        return .completed(report)
    }

    private var bill: Bill? {
        guard let body, Self.isText(body) else { return nil }
        do {
            return try JSONDecoder().decode(Bill.self, from: Data(body))
        } catch {
            // Not a JSON object: it says nothing about a cost.
            return nil
        }
    }

    private var failure: AttemptFailure {
        let wait = retryAfter.flatMap { RetryAfter.wait($0, now: now) }
        let again = wait.map(AttemptFailure.Retry.after) ?? .backoff
        let failureClass = FailureClass.of(httpStatus: status) ?? .infrastructure
        return switch status {
        case 300...399:
            AttemptFailure(
                failureClass,
                "the service answered \(status), but redirects are not followed: correct url in moose.yaml",
                retry: .never)
        case 501, 505: AttemptFailure(failureClass, words, retry: .never)
        case 408, 425, 429, 500...599: AttemptFailure(failureClass, words, retry: again)
        default: AttemptFailure(failureClass, words, retry: .never)
        }
    }

    private var words: String {
        let said = body.flatMap(Self.text).map { PlainText.line($0, limit: 200) } ?? ""
        return "the service answered \(status)" + (said.isEmpty ? "" : ": \(said)")
    }

    /// The body itself when it is JSON, else the body as a JSON text; nil for an empty one.
    private static func result(_ body: [UInt8]) -> [UInt8]? {
        guard !body.isEmpty else { return nil }
        if isText(body), JSONSyntax.accepts(body) { return body }
        guard let quoted = text(body).flatMap({ try? JSONEncoder().encode($0) }) else { return nil }
        return Array(quoted)
    }

    /// Repaired UTF-8 without NUL.
    private static func text(_ body: [UInt8]) -> String? {
        var tail = OutputTail(limit: bodyLimit)
        tail.append(body)
        return tail.text()
    }

    private static func isText(_ body: [UInt8]) -> Bool { (try? UTF8Span(validating: body.span)) != nil }

    /// What a body says of the cost. Tokens that are no whole number from 0 count as not said: the body belongs to the
    /// service, and the word may mean something else there.
    private struct Bill: Decodable {
        var cost: ReportedCost?
        var tokensIn: Int?
        var tokensOut: Int?

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            cost = try fields.decodeIfPresent(ReportedCost.self, forKey: .cost)
            tokensIn = Self.tokens(fields, .tokensIn)
            tokensOut = Self.tokens(fields, .tokensOut)
        }

        private static func tokens(_ fields: KeyedDecodingContainer<CodingKeys>, _ key: CodingKeys) -> Int? {
            (try? fields.decode(Int.self, forKey: key)).flatMap { $0 >= 0 ? $0 : nil }
        }

        enum CodingKeys: String, CodingKey {
            case cost = "cost_usd"
            case tokensIn = "tokens_in"
            case tokensOut = "tokens_out"
        }
    }
}
