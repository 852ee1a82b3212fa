/// What one budget has used in one window, in micro-USD.
struct Bucket: Equatable, Sendable {
    struct Key: Hashable, Sendable {
        let policy: BudgetPolicy.Key
        /// What exempt agents use is tracked apart.
        let isExempt: Bool
        /// Counts the windows of the policy, the first being 0.
        let window: Int
    }

    var held: Int64 = 0
    var posted: Int64 = 0

    var used: Int64 { held + posted }
}

extension Bucket.Key: CustomStringConvertible {
    var description: String { "\(policy)\(isExempt ? " exempt" : "")#\(window)" }
}
