/// What happened in the histories of a test: they prove nothing about what never happened.
struct Coverage {
    private var seen: Set<String> = []

    mutating func note(_ answers: [Answer]) {
        for answer in answers { seen.insert([answer.answer, answer.reason, answer.isReplay ? "again" : nil].joined) }
    }

    mutating func note(_ answers: [DirectAnswer]) {
        for answer in answers {
            seen.insert(["direct", answer.status, answer.reason, answer.isSwitched ? "switched" : nil].joined)
        }
    }

    mutating func note(_ model: LedgerModel) {
        for hold in model.holds.values {
            seen.insert("\(hold.state)\(hold.isLate ? " late" : "")")
            if hold.corrections > 0 { seen.insert("corrected") }
            if let actual = hold.actual, actual > hold.estimate { seen.insert("overrun") }
        }
        if model.buckets.contains(where: { key, bucket in key.isExempt && bucket.used > 0 }) { seen.insert("exempt") }
        if model.buckets.contains(where: { key, bucket in key.window > 0 && bucket.used > 0 }) {
            seen.insert("next window")
        }
    }

    /// What should have happened and did not.
    var missing: Set<String> {
        Set([
            "normal", "soft", "economy", "refused never_fits", "refused frozen", "refused spent", "refused held_retry",
            "normal again", "done", "replay", "refused", "unknown", "direct normal", "direct economy",
            "direct normal switched", "direct soft switched", "direct economy switched", "direct refused spent", "held",
            "dispatched", "settled", "settled late", "cancelled", "expired", "presumed", "corrected", "overrun",
            "exempt",
            "next window",
        ]).subtracting(seen)
    }
}

extension [String?] {
    fileprivate var joined: String { compactMap { word in word }.joined(separator: " ") }
}
