/// The three limits of a policy, in millionths of a dollar; nil where there is none.
package struct BudgetLimits: Sendable, Equatable {
    /// Beyond it people are warned.
    package var soft: Int64?
    /// Beyond it work goes on with the cheapest handlers; without a kill limit nothing is granted beyond it.
    package var hard: Int64?
    /// Beyond it nothing is granted.
    package var kill: Int64?

    package init(soft: Int64? = nil, hard: Int64? = nil, kill: Int64? = nil) {
        self.soft = soft
        self.hard = hard
        self.kill = kill
    }

    /// Where granting ends unless it is raised: the kill, else the hard limit.
    package var cap: Int64? { kill ?? hard }

    /// What is wrong with them for that scope; nil when soft ≤ hard ≤ kill, and the org has a cap. Other budgets
    /// without a cap only track.
    package func flaw(for scope: BudgetScope) -> String? {
        if cap == nil, scope.kind == .org { return "The org needs a kill or a hard limit, else nothing would stop it" }
        let named = [("soft", soft), ("hard", hard), ("kill", kill)].compactMap { name, value in
            value.map { (name: name, value: $0) }
        }
        for (lower, upper) in zip(named, named.dropFirst()) where lower.value > upper.value {
            return "The \(upper.name) limit of \(MoneyText.dollars(upper.value)) would be below the \(lower.name) "
                + "limit of \(MoneyText.dollars(lower.value))"
        }
        return nil
    }

    /// `soft $20.00, hard none, kill $100.00`.
    package var text: String {
        [("soft", soft), ("hard", hard), ("kill", kill)]
            .map { name, value in "\(name) \(value.map(MoneyText.dollars) ?? "none")" }.joined(separator: ", ")
    }
}
