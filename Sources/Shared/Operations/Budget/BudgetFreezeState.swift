package import FoundationEssentials

/// The kill switch of a scope: pulled when, by whom and why.
package struct BudgetFreezeState: Sendable {
    package let since: Date
    package let who: String
    package let reason: String

    package var json: JSONValue { ["since": .time(since), "who": .string(who), "reason": .string(reason)] }
}
