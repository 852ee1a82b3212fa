internal import FoundationEssentials
internal import Logging
internal import Reporting
internal import Store

/// Runs ``Retention`` once a day, in one of all Client Managers.
package struct RetentionWatch: Sendable {
    /// What is kept how long.
    package var retention: Retention
    /// Between two looks whether the run is due. Default 60 s.
    package var interval: Duration = .seconds(60)

    package init(_ retention: Retention) { self.retention = retention }

    /// Looks until it is cancelled. A run that is cut short is gone on with by whoever looks when its lease has ended.
    func run(_ store: Store, logger: Logger, reporter: Reporter) async {
        let repeating = Repeating(
            "retention", every: interval, startsAtOnce: true,
            problem: "what is old was not deleted; the next look goes on", reporter: reporter)
        await repeating.run {
            if let counts = try await runOnce(store) {
                logger.info("retention", metadata: ["deleted": "\(counts.json)"])
            }
        }
    }

    /// - Returns: what was deleted; nil where it isn't due, or another is at it.
    func runOnce(_ store: Store) async throws -> RetentionCounts? {
        let lease = UUID()
        let time = Duration.seconds(300)
        guard try await store.takeRetention(lease, for: time) else { return nil }
        var renewed = ContinuousClock.now
        let counts = try await retention.run(on: store) { _, _ in
            guard ContinuousClock.now - renewed > time / 5 else { return }
            renewed = .now
            _ = try await store.takeRetention(lease, for: time)
        }
        try await store.endRetention(lease, counts: counts.json, who: "moose client-manager")
        return counts
    }
}
