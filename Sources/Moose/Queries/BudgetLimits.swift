/// The three limits of a policy, in millionths of a dollar; nil where there is none.
struct BudgetLimits: Sendable, Equatable {
    /// From here on people are warned.
    var soft: Int64?
    /// From here on only the cheapest handlers run.
    var hard: Int64?
    /// From here on nothing is granted.
    var kill: Int64?

    /// Where granting ends: the kill, else the hard limit.
    var cap: Int64? { kill ?? hard }

    /// What is wrong with them; nil when soft ≤ hard ≤ kill and there is a cap.
    var flaw: String? {
        if cap == nil { return "A budget needs a kill or a hard limit" }
        let named = [("soft", soft), ("hard", hard), ("kill", kill)].compactMap { name, value in
            value.map { (name: name, value: $0) }
        }
        for (lower, upper) in zip(named, named.dropFirst()) where lower.value > upper.value {
            return "The \(upper.name) limit of \(MoneyText.dollars(upper.value)) would be below the \(lower.name) "
                + "limit of \(MoneyText.dollars(lower.value))"
        }
        return nil
    }
}
