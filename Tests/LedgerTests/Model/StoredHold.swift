/// What the database keeps of a hold and its ledger.
struct StoredHold: Equatable {
    let state: String
    let estimate: Int64
    let actual: Int64?
    let handler: String?
    let caps: [Bucket.Key: Int64?]
    let isLate: Bool
    let entries: Set<Hold.Entry>
}

extension Hold {
    /// What the database must keep of it.
    var stored: StoredHold {
        StoredHold(
            state: state.rawValue, estimate: estimate, actual: actual, handler: handler, caps: caps, isLate: isLate,
            entries: entries)
    }
}
