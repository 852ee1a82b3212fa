/// How one attempt of a work order ended: one value, settled by one exhaustive switch.
package enum Outcome: Sendable {
    /// The handler did its work.
    case completed(AttemptReport)
    /// The handler, or something around it, failed; the retry policy decides what follows.
    case failed(AttemptFailure, AttemptReport)
    /// The handler asks to be run again later; burns no attempt.
    case snoozed(Duration, AttemptReport)
    /// The worker is stopping; burns no attempt, another worker goes on at once.
    case interrupted(AttemptReport)
    /// This machine was short of something and the attempt never began: burns no attempt, nothing is presumed spent, and
    /// the worker takes nothing new until its machine can start work again.
    case hostFault(AttemptFailure)
    /// The handler could not begin, by a fault of the way to the service: nothing was sent. Burns no attempt and counts no
    /// money; tried again after a wait that grows.
    case notBegun(AttemptFailure)

    /// What the attempt used up, however it ended.
    package var report: AttemptReport {
        switch self {
        case .completed(let report), .failed(_, let report), .snoozed(_, let report), .interrupted(let report): report
        case .hostFault, .notBegun: AttemptReport(didStart: false)
        }
    }
}

/// What an attempt produced and used up.
package struct AttemptReport: Sendable, Equatable {
    /// False when the handler never started: then its hold is cancelled, else settled.
    package var didStart: Bool
    /// The real cost; nil when the handler didn't say, which posts the estimate, marked presumed.
    package var cost: MicroUSD?
    /// The handler's result: JSON text, stored with the work order.
    package var result: [UInt8]?
    /// What the attempt wants to be judged by: with one, a completed attempt waits for CI. Default nil.
    package var pullRequest: PullRequest?
    package var tokensIn: Int?
    package var tokensOut: Int?
    /// The last lines the handler wrote, for the person who reads the story of the job. Valid UTF-8.
    package var output: String?
    /// What of the answer could not be read although the work was done: a person is told, once for each cause.
    package var unread: Unread?

    package init(
        didStart: Bool, cost: MicroUSD? = nil, result: [UInt8]? = nil, pullRequest: PullRequest? = nil,
        tokensIn: Int? = nil, tokensOut: Int? = nil, output: String? = nil, unread: Unread? = nil
    ) {
        self.didStart = didStart
        self.cost = cost
        self.result = result
        self.pullRequest = pullRequest
        self.tokensIn = tokensIn
        self.tokensOut = tokensOut
        self.output = output
        self.unread = unread
    }

    /// A part of an answer that says something nobody can read.
    package struct Unread: Sendable, Equatable {
        /// What can't be read, and what was expected; the same words for the same cause.
        package var words: String
        /// What it said, shortened; empty where there is nothing to show.
        package var said: String

        package init(_ words: String, said: String = "") {
            self.words = words
            self.said = said
        }

        /// Both causes as one.
        package static func and(_ first: Unread?, _ second: Unread?) -> Unread? {
            guard let first, let second else { return first ?? second }
            return Unread("\(first.words); \(second.words)", said: first.said.isEmpty ? second.said : first.said)
        }
    }
}
