/// One process of a group, as its parent sees it.
package struct FleetMember: Sendable, Equatable {
    package enum Phase: Sendable, Equatable {
        /// Started, and not yet taking work.
        case starting
        case ready
        /// Ends after its jobs.
        case draining(since: ContinuousClock.Instant)
        /// Died; is started again then.
        case waiting(until: ContinuousClock.Instant)
    }

    package let number: Int
    package var phase = Phase.starting
    package var startedAt: ContinuousClock.Instant
    package var readyAt: ContinuousClock.Instant?
    package var report: ProcessReport?
    package var reportedAt: ContinuousClock.Instant?
    /// Failures in a row.
    package var failures = 0
    package var lastEnding: ProcessEnding?
    /// The process over its memory limit that this one was started for.
    package var replaces: Int?

    init(number: Int, startedAt: ContinuousClock.Instant) {
        self.number = number
        self.startedAt = startedAt
    }

    /// Whether there is a process.
    package var isAlive: Bool {
        if case .waiting = phase { return false }
        return true
    }

    package var isDraining: Bool {
        if case .draining = phase { return true }
        return false
    }

    /// What to part with first: no process, then one that hasn't begun, then the idlest, then the youngest.
    func isSparedBefore(_ other: FleetMember) -> Bool {
        let (mine, others) = (rank, other.rank)
        if mine != others { return mine < others }
        let (running, othersRunning) = (report?.running ?? 0, other.report?.running ?? 0)
        if running != othersRunning { return running < othersRunning }
        return startedAt == other.startedAt ? number > other.number : startedAt > other.startedAt
    }

    private var rank: Int {
        switch phase {
        case .waiting: 0
        case .starting: 1
        case .ready, .draining: 2
        }
    }
}
