package import WorkOrders

/// Money on hold.
package struct HoldGrant: Sendable, Hashable {
    /// How near the limits it is.
    package enum Status: String, Sendable, Hashable {
        case normal
        /// Beyond a soft limit: people were told once.
        case soft
        /// Beyond a hard limit: use the cheapest handler that can do it.
        case economy
    }

    /// A replay always says `normal`: what is past stays granted.
    package var status: Status
    /// `held` or `dispatched`.
    package var state: HoldState
    /// What is on hold; of a replay, what was asked for the first time.
    package var estimate: MicroUSD
    /// It was granted under this name before; nothing more was taken now.
    package var isReplay: Bool
}
