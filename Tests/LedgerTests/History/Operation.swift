/// What people, and time, do to the ledger besides its batches.
enum Operation: Sendable {
    case setLimits(BudgetPolicy.Key, BudgetPolicy)
    case raise(BudgetPolicy.Key, cap: Int64)
    case endRaise(BudgetPolicy.Key)
    case freeze(Scope)
    case unfreeze(Scope)
    case exempt(String)
    case endExemption(String)
    /// The window of a policy, with its number, ends.
    case rollOver(BudgetPolicy.Key, window: Int)
    case correct(HoldName, actual: Int64)
    case expire
}

extension LedgerModel {
    mutating func apply(_ operation: Operation) {
        switch operation {
        case .setLimits(let key, var policy):
            // A raise outlasts a change of the limits below it, and no policy moves to another time zone.
            policy.raised = policies[key]?.raised
            policy.timeZone = policies[key]?.timeZone ?? policy.timeZone
            policies[key] = policy
        case .raise(let key, let cap): policies[key]?.raised = cap
        case .endRaise(let key): policies[key]?.raised = nil
        case .freeze(let scope):
            if !policies.keys.contains(where: { key in key.scope == scope && key.period != .day }) {
                policies[BudgetPolicy.Key(scope: scope, period: .total)] = BudgetPolicy()
            }
            freezes.insert(scope)
        case .unfreeze(let scope): freezes.remove(scope)
        case .exempt(let agent): exemptAgents.insert(agent)
        case .endExemption(let agent): exemptAgents.remove(agent)
        case .rollOver(let key, let window): windows[key] = window + 1
        case .correct(let name, let actual): correct(name, actual: actual)
        case .expire: _ = expire()
        }
    }
}
