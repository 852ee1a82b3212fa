/// The limits of one budget, in micro-USD.
struct BudgetPolicy: Equatable, Sendable {
    enum Period: String, CaseIterable, Sendable { case day, month, total }

    struct Key: Hashable, Sendable {
        let scope: Scope
        let period: Period
    }

    var soft: Int64?
    var hard: Int64?
    var kill: Int64?
    /// The cap while a raise lasts.
    var raised: Int64?
    var timeZone = "UTC"

    /// The cap without a raise; nil tracks only.
    var baseCap: Int64? { kill ?? hard }

    /// The cap in force.
    var cap: Int64? { baseCap.map { cap in max(cap, raised ?? cap) } }
}

extension BudgetPolicy.Key: CustomStringConvertible {
    var description: String { "\(scope.kind) \(scope.name) \(period)" }
}
