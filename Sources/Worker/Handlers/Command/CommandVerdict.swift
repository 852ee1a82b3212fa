internal import WorkOrders

/// What an attempt of a command comes to: from how its process ended, what stopped it, its result file and its output.
/// Pure; every rule of the exit codes stands here.
struct CommandVerdict {
    enum Ending: Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    enum StopCause: Equatable {
        case timeout
        case cancelled
    }

    var ending: Ending
    var stoppedFor: StopCause?
    var timeout: Duration
    var result: CommandResult
    var output: String?
    /// Whether money was held for it. What may have been paid for isn't run again because its result can't be read.
    var isPaid = false

    var outcome: Outcome {
        var report = AttemptReport(
            didStart: true, cost: result.cost, tokensIn: result.tokensIn, tokensOut: result.tokensOut, output: output,
            unread: result.unread)
        if let error = result.wholeError {
            report.output = (output.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" } ?? "") + "The error:\n" + error
        }
        switch (stoppedFor, ending) {
        case (.cancelled, _):
            return .interrupted(report)
        case (.timeout, _):
            return .failed(
                AttemptFailure(.timeout, "the command ran longer than its time-out of \(timeout) and was stopped"),
                report)
        case (nil, .exited(0)):
            if let complaint = result.complaint {
                report.output = Self.text(of: output, and: result.remains)
                let isSpent = isPaid || result.cost ?? .zero > .zero
                return .failed(AttemptFailure(.malformedOutput, complaint, retry: isSpent ? .never : .backoff), report)
            }
            if let snooze = result.snooze { return .snoozed(snooze, report) }
            report.result = result.result
            report.pullRequest = result.pullRequest
            return .completed(report)
        case (nil, .exited(let code)):
            return .failed(failure(exitCode: code), report)
        case (nil, .signalled(let signal)):
            return .failed(
                AttemptFailure(
                    result.failureClass ?? .of(signal: signal), words("the command was killed by signal \(signal)"),
                    retry: result.retry == false ? .never : .backoff, facts: [.signal: "\(signal)"]), report)
        }
    }

    private func failure(exitCode: Int32) -> AttemptFailure {
        let isHopeless = exitCode == Self.dataError || exitCode == Self.configurationError
        let words = words("the command ended with exit code \(exitCode)")
        let retry: AttemptFailure.Retry =
            switch (result.retry, result.retryAfter) {
            case (false, _): .never
            case (_, let wait?): .after(wait)
            case (true, nil): .backoff
            case (nil, nil): isHopeless ? .never : .backoff
            }
        return AttemptFailure(
            result.failureClass ?? .of(exitCode: exitCode) ?? .of(text: words) ?? .unknown, words, retry: retry,
            facts: [.exitCode: "\(exitCode)"])
    }

    /// The command's own words come first; without any, the last line it wrote says most.
    private func words(_ ending: String) -> String {
        if let error = result.error, !error.isEmpty { return error }
        var words = ending
        if let last = PlainText.lastLine(of: output) { words += ": \(last)" }
        if let complaint = result.complaint { words += " (\(complaint))" }
        return words
    }

    /// What it wrote, and behind it the beginning of its result file, which nobody can read but a person.
    private static func text(of output: String?, and remains: [UInt8]?) -> String? {
        guard let remains, !remains.isEmpty else { return output }
        var beginning = OutputTail(limit: 16_384)
        beginning.append(remains.prefix(16_384))
        return (output.map { $0 + "\n" } ?? "") + "The result file:\n" + (beginning.text() ?? "")
    }

    // sysexits.h
    private static let dataError: Int32 = 65
    private static let configurationError: Int32 = 78
}
