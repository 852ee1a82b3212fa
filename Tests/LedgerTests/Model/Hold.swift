/// Money set aside, and what became of it.
struct Hold: Equatable, Sendable {
    enum State: String, Sendable {
        case held, dispatched, settled, cancelled, expired
        case presumed = "presumed_spent"
    }

    /// A line of the append-only ledger.
    struct Entry: Hashable, Sendable {
        enum Kind: String, Sendable { case settled, presumed, late, corrected }

        let kind: Kind
        /// Counts corrections; 0 for all else.
        let number: Int16
        let amount: Int64
    }

    var state: State
    let estimate: Int64
    var actual: Int64?
    let handler: String?
    /// The buckets it counts against, with the cap of each when it was granted.
    let caps: [Bucket.Key: Int64?]
    var isLate = false
    let isOverdue: Bool
    /// Without those of no amount.
    var entries: Set<Entry> = []
    var corrections: Int16 = 0

    var isOpen: Bool { state == .held || state == .dispatched }
    var posted: Int64 { entries.reduce(0) { sum, entry in sum + entry.amount } }
}
