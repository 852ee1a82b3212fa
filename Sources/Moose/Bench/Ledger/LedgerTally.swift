/// What one client of the ledger was told, to compare with the tables.
struct LedgerTally: Sendable, Codable {
    /// Holds (or full cycles) of the measured time.
    var counted = 0
    /// How long that was, in seconds.
    var seconds = 0.0
    /// Grants, those before the measured time included.
    var granted = 0
    /// What must be on hold at the end, in micro-USD.
    var held = 0
    /// What must be posted at the end, in micro-USD.
    var posted = 0
    /// Answers that a serial history would not have given.
    var wrong = 0

    /// All clients of one run together; the rate is that of all over the longest time.
    init(_ tallies: [LedgerTally] = []) {
        for tally in tallies {
            counted += tally.counted
            seconds = max(seconds, tally.seconds)
            granted += tally.granted
            held += tally.held
            posted += tally.posted
            wrong += tally.wrong
        }
    }

    /// A second; 0 when nothing was measured.
    var rate: Double { seconds > 0 ? Double(counted) / seconds : 0 }
}
