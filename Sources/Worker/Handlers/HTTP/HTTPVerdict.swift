internal import FoundationEssentials
internal import WorkOrders

/// What an attempt comes to when a service has answered. Pure; every rule of the status codes stands here.
struct HTTPVerdict {
    /// More of a response is not read.
    static let bodyLimit = 1_048_576

    var status: Int
    /// Nil when the body is larger than ``bodyLimit``. The beginning only when the status is not 2xx.
    var body: [UInt8]?
    /// The header `Content-Encoding`, its values in their order.
    var encoding: [String] = []
    /// The header `Content-Type`.
    var contentType: String?
    /// The header that was configured to hold the cost: its values.
    var costHeaders: [String] = []
    var retryAfter: String?
    var now: Date
    /// Whether money was held for it. What may have been paid for isn't asked for again because of its form.
    var isPaid = false

    var outcome: Outcome {
        let answer = body.map {
            AnswerBody($0, encodings: encoding, contentType: contentType, limit: Self.bodyLimit)
        }
        let text = answer?.text ?? []
        let use = ReportedUse(JSONMembers(text), of: text, in: "the answer", costHeaders: costHeaders)
        var report = AttemptReport(
            didStart: true, cost: use.cost, tokensIn: use.tokensIn, tokensOut: use.tokensOut, unread: use.unread)
        guard (200...299).contains(status) else {
            let said = body.flatMap { Self.text(answer?.text ?? $0) }
            report.output = said
            var failure = failure(said)
            if status == 401 || status == 407 {
                // No order is at fault for the credentials it is sent with: where the service did nothing for it, all
                // wait. One that says what it used up has begun, and isn't asked again for that.
                guard use.cost ?? .zero > .zero || use.tokensIn ?? 0 > 0 || use.tokensOut ?? 0 > 0 || use.unread != nil
                else { return .notBegun(failure) }
                failure.retry = .never
            }
            return .failed(failure, report)
        }
        guard let answer, !answer.isTooLarge else {
            let isSpent = isPaid || use.cost ?? .zero > .zero
            return .failed(
                AttemptFailure(
                    .malformedOutput, "the service answered with more than \(Self.bodyLimit) bytes",
                    retry: isSpent ? .never : .backoff), report)
        }
        report.unread = .and(answer.unread, report.unread)
        if report.unread == nil, !text.isEmpty {
            switch JSONSyntax.fault(in: text) {
            case .repeatedName(let name):
                report.unread = AttemptReport.Unread("a name stands twice in the answer", said: name)
            case .malformed where answer.isDeclaredJSON:
                report.unread = AttemptReport.Unread("the answer says that it is JSON and is not")
            case .malformed, nil: break
            }
        }
        report.result = answer.result
        return .completed(report)
    }

    private func failure(_ said: String?) -> AttemptFailure {
        let words = words(said)
        let wait = retryAfter.flatMap { RetryAfter.wait($0, now: now) }
        let again = wait.map(AttemptFailure.Retry.after) ?? .backoff
        let failureClass = FailureClass.of(httpStatus: status) ?? .infrastructure
        let facts = [DetailKey.httpStatus: "\(status)"]
        return switch status {
        case 300...399:
            AttemptFailure(
                failureClass,
                "the service answered \(status), but redirects are not followed: correct url in moose.yaml",
                retry: .never, facts: facts)
        case 401, 407:
            AttemptFailure(
                failureClass, "\(words); correct the credentials in headers of moose.yaml", retry: again, facts: facts)
        // The credentials most often, but it may be about this one order: it has its attempts.
        case 403: AttemptFailure(failureClass, words, retry: again, facts: facts)
        case 501, 505: AttemptFailure(failureClass, words, retry: .never, facts: facts)
        case 408, 425, 429, 500...599: AttemptFailure(failureClass, words, retry: again, facts: facts)
        default: AttemptFailure(failureClass, words, retry: .never, facts: facts)
        }
    }

    private func words(_ said: String?) -> String {
        let said = said.map { PlainText.line($0, limit: 200) } ?? ""
        return "the service answered \(status)" + (said.isEmpty ? "" : ": \(said)")
    }

    /// Repaired UTF-8 without NUL.
    private static func text(_ body: [UInt8]) -> String? {
        var tail = OutputTail(limit: bodyLimit)
        tail.append(body)
        return tail.text()
    }
}
