/// Decides which expired leases to rescue: only those seen expired in two passes a while apart with no failed or late
/// pass between. So the return of a database that was away for a minute rescues nobody who is alive: the living renew
/// before the second look.
package struct LeaseWatch: Sendable {
    /// Between the first sighting and the rescue at least this long.
    package let patience: Duration
    /// A pass later than this after the one before starts over.
    package let latest: Duration
    private var firstSeen: [LeaseKey: ContinuousClock.Instant] = [:]
    private var lastPass: ContinuousClock.Instant?

    package init(patience: Duration = .seconds(15), latest: Duration = .seconds(30)) {
        self.patience = patience
        self.latest = latest
    }

    /// Takes what stands expired at this pass and returns what to rescue.
    package mutating func pass(_ expired: [LeaseKey], at now: ContinuousClock.Instant) -> [LeaseKey] {
        if let lastPass, now - lastPass > latest { firstSeen = [:] }
        lastPass = now
        var seen: [LeaseKey: ContinuousClock.Instant] = [:]
        var rescue: [LeaseKey] = []
        for key in expired {
            let first = firstSeen[key] ?? now
            if now - first >= patience { rescue.append(key) } else { seen[key] = first }
        }
        firstSeen = seen
        return rescue
    }

    /// A pass that failed proves nothing: all sightings start over.
    package mutating func passFailed() { firstSeen = [:] }
}
