/// What the budgets say to one reservation.
enum Verdict: Equatable, Sendable {
    /// The tier of a grant is that of the budget that is used most.
    enum Tier: Int, Comparable, Sendable {
        case normal, soft, economy

        static func < (left: Tier, right: Tier) -> Bool { left.rawValue < right.rawValue }
    }

    /// Of several reasons the one that is worst to wait for counts.
    enum Reason: Int, Comparable, Sendable {
        case heldRetry, spent, frozen, neverFits

        static func < (left: Reason, right: Reason) -> Bool { left.rawValue < right.rawValue }
    }

    case granted(Tier)
    case refused(Reason)

    var status: String {
        switch self {
        case .granted(.normal): "normal"
        case .granted(.soft): "soft"
        case .granted(.economy): "economy"
        case .refused: "refused"
        }
    }

    /// Nil for a grant.
    var reason: String? {
        switch self {
        case .granted: nil
        case .refused(.heldRetry): "held_retry"
        case .refused(.spent): "spent"
        case .refused(.frozen): "frozen"
        case .refused(.neverFits): "never_fits"
        }
    }
}
