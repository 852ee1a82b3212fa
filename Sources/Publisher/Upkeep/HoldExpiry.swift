internal import Postgres
package import Reporting
package import Store
internal import WorkOrders

/// Ends holds of other services that nobody closed in their time. Every role does it, so that money comes back also where no
/// worker runs.
package struct HoldExpiry: Sendable {
    private let store: Store
    private let reporter: Reporter
    private let interval: Duration

    /// - Parameter interval: between two looks. Default 10 s.
    package init(store: Store, reporter: Reporter, interval: Duration = .seconds(10)) {
        self.store = store
        self.reporter = reporter
        self.interval = interval
    }

    /// Looks until it is cancelled.
    package func run() async {
        let repeating = Repeating(
            "expire", every: interval, startsAtOnce: true, problem: "holds that are over were not looked at",
            reporter: reporter)
        await repeating.run {
            while try await store.expireHolds() > 0, !Task.isCancelled {}
        }
    }
}
