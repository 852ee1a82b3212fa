/// Spans of time for people.
enum TimeText {
    /// `3m ago`, `in 2h`, `now`, from the seconds between then and now; negative lies ahead.
    static func relative(secondsAgo: Double) -> String {
        guard secondsAgo.isFinite, secondsAgo.magnitude >= 1 else { return secondsAgo.isFinite ? "now" : "never" }
        let text = coarse(seconds: secondsAgo.magnitude)
        return secondsAgo > 0 ? "\(text) ago" : "in \(text)"
    }

    /// The span in its largest unit, rounded down: `45s`, `3m`, `2h`, `9d`.
    static func coarse(seconds: Double) -> String {
        // A century is more than any span here; the limit keeps the conversion from trapping.
        let whole = Int(min(max(0, seconds), 3_153_600_000))
        switch whole {
        case ..<60: return "\(whole)s"
        case ..<3_600: return "\(whole / 60)m"
        case ..<86_400: return "\(whole / 3_600)h"
        default: return "\(whole / 86_400)d"
        }
    }

    /// The span in its two largest units, for time that is left: `45s`, `3m20s`, `2h05m`.
    static func remaining(seconds: Double) -> String {
        let whole = Int(min(max(0, seconds.rounded(.up)), 3_153_600_000))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        switch whole {
        case ..<60: return "\(whole)s"
        case ..<3_600: return "\(whole / 60)m\(two(whole % 60))s"
        case ..<86_400: return "\(whole / 3_600)h\(two(whole / 60 % 60))m"
        default: return "\(whole / 86_400)d\(two(whole / 3_600 % 24))h"
        }
    }
}
