/// Where a work order stands. The database enforces the legal transitions (table `work_order_transitions`).
package enum WorkOrderState: String, Sendable, CaseIterable {
    /// Waits for its `run_at`. Can transition to: pending, in progress, awaiting budget, blocked, failed, cancelled.
    case scheduled
    /// Waits for a worker. Can transition to: in progress, scheduled, awaiting budget, blocked, failed, cancelled.
    case pending
    /// A worker holds its lease. Can transition to: completed, retrying, failed, awaiting budget, pending, scheduled,
    /// needs review, cancelled.
    case inProgress = "in_progress"
    /// An attempt failed, the next one is due later. Can transition to: as pending.
    case retrying
    /// The money is spent or held; waits for a window, a raise or a freed hold. Can transition to: as pending.
    case awaitingBudget = "awaiting_budget"
    /// Waits for the work orders it depends on. Can transition to: pending, failed, cancelled.
    case blocked
    /// Its pull request is judged by CI, or a person must look. Can transition to: completed, pending, failed, cancelled.
    case needsReview = "needs_review"
    /// Final: exactly one result was accepted.
    case completed
    /// Gave up. Can transition to: pending, needs review, blocked, cancelled, by a decision or a redrive only.
    case failed
    /// Final: somebody stopped it.
    case cancelled
}
