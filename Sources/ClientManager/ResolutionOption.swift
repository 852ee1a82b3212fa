internal import WorkOrders

/// Something a person can decide about an escalation.
package struct ResolutionOption: Sendable, Equatable, Codable {
    /// `redrive`, `raise_budget`, …: what a decision names.
    package var action: String
    package var title: String
    /// What will be done, step by step.
    package var steps: [String]
    /// `low`, `medium` or `high`.
    package var risk: String

    /// The options that make sense for a trigger, the most promising first.
    /// - Parameter hasOrder: whether there is an order that could be run again or cancelled.
    static func options(for trigger: TriggerType, hasOrder: Bool) -> [ResolutionOption] {
        let all = options(for: trigger)
        guard !hasOrder else { return all }
        let possible = all.filter { ![redrive, abort, retryDifferently, pivot].contains($0) }
        return possible.isEmpty ? [manual] : possible
    }

    private static func options(for trigger: TriggerType) -> [ResolutionOption] {
        switch trigger {
        case .budgetOverrun: [raiseBudget, waitForReset, abort]
        case .poisonMessage: [manual, redrive, abort]
        case .infrastructure: [redrive, manual, abort]
        case .stuckWorkOrder: [manual, abort, redrive]
        case .conflictingRequirements, .contractViolation: [amend, manual, abort]
        case .proposerExhausted, .sentinelHardFailure, .aiderIrreconcilable: [retryDifferently, pivot, amend, abort]
        case .technicalBlocker: [retryDifferently, manual, pivot, abort]
        }
    }

    private static let retryDifferently = ResolutionOption(
        action: "retry_different_approach", title: "Retry with a stronger handler and more context",
        steps: ["add what failed to the order's context", "choose a more capable handler", "run it again"], risk: "low")
    private static let pivot = ResolutionOption(
        action: "pivot_solution", title: "Solve it another way",
        steps: ["describe another solution", "publish it as a new order", "cancel this one"], risk: "medium")
    private static let amend = ResolutionOption(
        action: "amend_upstream", title: "Correct what was asked for",
        steps: ["correct the order or what it depends on", "run it again"], risk: "low")
    private static let abort = ResolutionOption(
        action: "abort_redesign", title: "Give it up", steps: ["cancel the order and what depends on it"],
        risk: "high")
    private static let manual = ResolutionOption(
        action: "manual_intervention", title: "Fix it by hand",
        steps: ["look at the sample and the log", "mend the cause", "run again what failed"], risk: "low")
    private static let raiseBudget = ResolutionOption(
        action: "raise_budget", title: "Raise the budget",
        steps: ["decide an amount", "run `moose budget set`", "waiting orders go on by themselves"], risk: "medium")
    private static let waitForReset = ResolutionOption(
        action: "wait_for_reset", title: "Wait for the next window", steps: ["nothing: orders go on by themselves"],
        risk: "low")
    private static let redrive = ResolutionOption(
        action: "redrive", title: "Run it again as it is", steps: ["check that the cause is gone", "run it again"],
        risk: "low")
}
