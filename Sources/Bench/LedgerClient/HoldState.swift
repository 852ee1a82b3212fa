/// Where a hold stands in its life. The raw values are the words of the schema.
package enum HoldState: String, Sendable, Hashable {
    /// Granted; the work has not started.
    case held
    /// The work runs.
    case dispatched
    /// Its real cost is posted.
    case settled
    /// Given back.
    case cancelled
    /// Never started and never heard of again: given back.
    case expired
    /// Its estimate is posted, because nobody said what it cost.
    case presumedSpent = "presumed_spent"

    /// Money is on hold.
    package var isOpen: Bool { self == .held || self == .dispatched }
}
