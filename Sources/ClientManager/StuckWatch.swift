internal import Logging
internal import Reporting
internal import Store

/// Looks for work orders that are in progress for very long, and tells of each once when it is worth a warning and once
/// when a person must look. Their states stay: whoever runs them may be right.
package struct StuckWatch: Sendable {
    /// Default 2 h.
    package var warnedAfter: Duration = .seconds(2 * 3600)
    /// Default 24 h.
    package var escalatedAfter: Duration = .seconds(24 * 3600)
    /// Between two looks. Default 60 s.
    package var interval: Duration = .seconds(60)

    package init() {}

    /// Looks until it is cancelled.
    func run(_ store: Store, logger: Logger, reporter: Reporter) async {
        let repeating = Repeating(
            "watch", every: interval, startsAtOnce: true, problem: "nobody looked for stuck work orders",
            reporter: reporter)
        await repeating.run {
            let count = try await store.reportStuck(warnedAfter: warnedAfter, escalatedAfter: escalatedAfter)
            if count > 0 { logger.warning("work orders run for very long", metadata: ["new": "\(count)"]) }
        }
    }
}
