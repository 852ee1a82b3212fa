package import FoundationEssentials
package import WorkOrders

/// The end of one attempt, as the worker reports it.
package struct FinishItem: Sendable {
    /// What becomes of the order.
    package enum Ending: Sendable, Equatable {
        case completed
        /// Its work is a pull request: CI's verdict on it ends the order.
        case review(PullRequest)
        /// Gave up: failed, with an error event.
        case failed(AttemptFailure)
        /// Tried again after the wait.
        case retry(AttemptFailure, after: Duration)
        /// Run again after the wait; burns no attempt.
        case snoozed(Duration)
        /// Could not begin, by no fault of its own: as snoozed, with the reason.
        case notBegun(AttemptFailure, after: Duration)
        /// The worker stops: another goes on at once; burns no attempt.
        case interrupted
        /// It never began, for a reason that is not its own: waiting again, and burns no attempt.
        case returned(AttemptFailure, after: Duration)
        /// Stopped because somebody cancelled the order: the end of it.
        case cancelled
    }

    package var id: UUID
    package var token: Int64
    package var ending: Ending
    package var report: AttemptReport
    package var handler: String
    package var duration: Duration

    package init(
        id: UUID, token: Int64, ending: Ending, report: AttemptReport, handler: String, duration: Duration
    ) {
        self.id = id
        self.token = token
        self.ending = ending
        self.report = report
        self.handler = handler
        self.duration = duration
    }
}
