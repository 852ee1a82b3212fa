/// Decides which expired leases to rescue: only those that two passes a while apart saw expired and never renewed, with
/// no failed or late pass between. So the return of a database that was away for a minute, or a jump of its clock, rescues
/// nobody who is alive: the living renew before the second look.
///
/// Its times are of a clock that never goes back and goes on while the machine sleeps: a process that stood still finds
/// its next pass late, and starts over.
package struct LeaseWatch: Sendable {
    /// Between the first sighting and the rescue at least this long.
    package let patience: Duration
    /// A pass answered later than this after the one before starts over.
    package let latest: Duration
    private var firstSeen: [ExpiredLease: ContinuousClock.Instant] = [:]
    private var lastPass: ContinuousClock.Instant?

    package init(patience: Duration = .seconds(15), latest: Duration = .seconds(30)) {
        self.patience = patience
        self.latest = latest
    }

    /// Takes what stood expired at some moment between the question and the answer, and returns what to rescue.
    package mutating func pass(
        _ expired: [ExpiredLease], asked: ContinuousClock.Instant, answered: ContinuousClock.Instant
    ) -> [LeaseKey] {
        if let lastPass, answered - lastPass > latest { firstSeen = [:] }
        lastPass = answered
        var seen: [ExpiredLease: ContinuousClock.Instant] = [:]
        var rescue: [LeaseKey] = []
        for lease in expired {
            // A slow answer may be as old as its question: the shorter of the possible times counts.
            let first = firstSeen[lease] ?? answered
            if asked - first >= patience { rescue.append(lease.key) } else { seen[lease] = first }
        }
        firstSeen = seen
        return rescue
    }

    /// A pass that failed proves nothing: all sightings start over.
    package mutating func passFailed() { firstSeen = [:] }
}
