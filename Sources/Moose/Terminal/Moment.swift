internal import FoundationEssentials
internal import WorkOrders

/// Points in time for people.
enum Moment {
    /// `3m ago`; a dash for none.
    static func ago(_ date: Date?) -> String {
        guard let date else { return "-" }
        return TimeText.relative(secondsAgo: Date().timeIntervalSince(date))
    }

    /// `2026-01-31 12:00Z`, where the seconds are known to be none.
    static func minute(_ date: Date) -> String {
        let exact = exact(date)
        return exact.count > 16 ? exact.prefix(16) + "Z" : exact
    }

    /// `2026-01-31 12:00:00.123Z`.
    static func exact(_ date: Date) -> String {
        date == .distantPast ? "-" : date == .distantFuture ? "never" : date.rfc3339.replacing("T", with: " ")
    }
}
