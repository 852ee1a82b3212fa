extension Outcome {
    /// The same outcome with the cost worked out from the tokens it reports, where it names no cost of its own.
    ///
    /// Both numbers are needed. Tokens that cost more than any work order may are a mistake: they fail an attempt that
    /// was completed, and its cost is presumed.
    package func priced(at price: ModelPrice) -> Outcome {
        var report = report
        guard report.didStart, report.cost == nil, let tokensIn = report.tokensIn, let tokensOut = report.tokensOut
        else { return self }
        report.cost = price.cost(tokensIn: tokensIn, tokensOut: tokensOut)
        switch self {
        case .completed:
            if report.cost != nil { return .completed(report) }
            return .failed(
                AttemptFailure(
                    .malformedOutput,
                    "the handler reported \(tokensIn) tokens in and \(tokensOut) out, which can't be: "
                        + "report the tokens of this attempt, from 0"), report)
        case .failed(let failure, _): return .failed(failure, report)
        case .snoozed(let wait, _): return .snoozed(wait, report)
        case .interrupted: return .interrupted(report)
        case .hostFault: return self
        }
    }
}
