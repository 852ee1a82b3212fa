internal import Logging
internal import Reporting
internal import Store
internal import WorkOrders

/// Looks at the server while Moose runs, and tells of what a person must mend: sessions that keep others waiting,
/// transactions that nobody ends, a disk that fills up. Each is one escalation, however often it is seen.
package struct ServerWatch: Sendable {
    /// Between two looks. Default 30 s.
    package var interval: Duration = .seconds(30)
    /// A session may keep others waiting this long. Default 60 s; a look earlier or later.
    package var patience: Duration = .seconds(60)

    package init() {}

    /// Looks until it is cancelled.
    func run(_ store: Store, logger: Logger, reporter: Reporter) async {
        var seen = BlockerSightings()
        let repeating = Repeating(
            "watch", every: interval, startsAtOnce: true, problem: "nobody looked at the database server",
            reporter: reporter)
        await repeating.run {
            let facts = try await store.serverFacts()
            let blocked = seen.longer(than: patience, facts.blockers, at: .now)
            for concern in ServerConcern.all(facts, sessions: 1) + blocked {
                reporter.report(
                    concern.name, concern.text, failureClass: .infrastructure, details: concern.details,
                    component: "database")
            }
        }
    }
}

/// Since when each session has been seen to keep others waiting. How old its transaction is, only its own role and
/// members of `pg_read_all_stats` may know.
struct BlockerSightings {
    private var since: [ServerFacts.Holder: ContinuousClock.Instant] = [:]

    /// Those that have kept others waiting for longer, as far as is known.
    mutating func longer(
        than patience: Duration, _ blockers: [ServerFacts.Holder], at now: ContinuousClock.Instant
    ) -> [ServerConcern] {
        var concerns: [ServerConcern] = []
        var present: [ServerFacts.Holder: ContinuousClock.Instant] = [:]
        for blocker in blockers {
            let key = ServerFacts.Holder(name: blocker.name, age: nil)
            let first = since[key] ?? now
            present[key] = first
            let span = blocker.age ?? (now - first)
            if span >= patience { concerns.append(.blocker(blocker, since: span)) }
        }
        since = present
        return concerns
    }
}
