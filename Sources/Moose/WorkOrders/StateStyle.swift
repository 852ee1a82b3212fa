/// The colour of a state.
enum StateStyle {
    static func style(_ state: String) -> TextStyle? {
        switch state {
        case "completed", "resolved", "settled": .green
        case "in_progress": .cyan
        case "retrying", "awaiting_budget", "blocked", "acknowledged", "snoozed", "warning": .yellow
        case "failed", "needs_review", "open", "dead": .red
        case "critical": .boldRed
        case "cancelled", "purged", "redriven": .dim
        default: nil
        }
    }
}
