extension Outcome {
    /// The same outcome with the cost worked out from the tokens it reports, where it names no cost of its own.
    ///
    /// Both numbers are needed. Tokens that cost more than any work order may are a mistake: the cost is presumed, and a
    /// person is told.
    package func priced(at price: ModelPrice) -> Outcome {
        var report = report
        guard report.didStart, report.cost == nil, let tokensIn = report.tokensIn, let tokensOut = report.tokensOut
        else { return self }
        report.cost = price.cost(tokensIn: tokensIn, tokensOut: tokensOut)
        if report.cost == nil {
            report.unread = .and(
                report.unread,
                AttemptReport.Unread(
                    "it reported tokens that cost more than any work may: report those of this attempt, from 0",
                    said: "\(tokensIn) in, \(tokensOut) out"))
        }
        switch self {
        case .completed: return .completed(report)
        case .failed(let failure, _): return .failed(failure, report)
        case .snoozed(let wait, _): return .snoozed(wait, report)
        case .interrupted: return .interrupted(report)
        case .hostFault, .notBegun: return self
        }
    }
}
