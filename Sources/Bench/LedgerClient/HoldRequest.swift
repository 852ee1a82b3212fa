package import WorkOrders

/// Asks for money before work.
package struct HoldRequest: Sendable, Hashable {
    package var name: HoldName
    /// What the work will cost at most; not negative.
    package var estimate: MicroUSD
    package var path: HoldPath
    /// The work starts at once, so that a silence means that the money is spent. Default true.
    package var dispatched: Bool
    /// After this, a hold of which nothing was heard is expired, or presumed spent. nil (default): the lease of its
    /// work order says when.
    package var lives: Duration?

    package init(
        name: HoldName, estimate: MicroUSD, path: HoldPath, dispatched: Bool = true, lives: Duration? = nil
    ) {
        self.name = name
        self.estimate = estimate
        self.path = path
        self.dispatched = dispatched
        self.lives = lives
    }
}
