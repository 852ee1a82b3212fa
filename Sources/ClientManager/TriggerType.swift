internal import WorkOrders

/// What raised an escalation, in the words a person decides by.
package enum TriggerType: String, Sendable, CaseIterable {
    case proposerExhausted = "proposer_exhausted"
    case sentinelHardFailure = "sentinel_hard_failure"
    case budgetOverrun = "budget_overrun"
    case conflictingRequirements = "conflicting_requirements"
    case technicalBlocker = "technical_blocker"
    case contractViolation = "contract_violation"
    case aiderIrreconcilable = "aider_irreconcilable"
    case stuckWorkOrder = "stuck_work_order"
    case poisonMessage = "poison_message"
    case infrastructure

    /// From structured facts: who reports, the failure class, and whether a dead letter is involved.
    static func of(_ event: ErrorEvent) -> TriggerType {
        if event.details?[.deadLetter] != nil || event.details?[.poison] == "true" { return .poisonMessage }
        if event.details?[.reason] == "stuck" { return .stuckWorkOrder }
        switch event.failureClass.flatMap(FailureClass.init(rawValue:)) ?? .unknown {
        case .budgetExceeded: return .budgetOverrun
        case .contractViolation: return .contractViolation
        case .dependencyMissing: return .stuckWorkOrder
        case .workerLost, .infrastructure: return .infrastructure
        case .invalidInput: return .conflictingRequirements
        case .testFail, .compileError, .lintError:
            return event.component == "sentinel" ? .sentinelHardFailure : .proposerExhausted
        case .timeout, .malformedOutput, .orchestrationError, .unknown: return .technicalBlocker
        }
    }
}
