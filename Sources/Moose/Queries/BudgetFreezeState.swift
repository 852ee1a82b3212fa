internal import FoundationEssentials

/// The kill switch of a scope: pulled when, by whom and why.
struct BudgetFreezeState: Sendable {
    let since: Date
    let who: String
    let reason: String

    var json: JSONValue { ["since": .time(since), "who": .string(who), "reason": .string(reason)] }
}
