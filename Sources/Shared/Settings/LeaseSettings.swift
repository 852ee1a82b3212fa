/// How a worker shows that it still holds a work order, and when others may take it over.
package struct LeaseSettings: Sendable, Equatable {
    /// How often a worker renews the leases of its running work. Default 10 s. Key `heartbeat_seconds`.
    package var heartbeat = Duration.seconds(10)
    /// How long after its last renewal a lease ends and the work is rescued; at least twice the heartbeat, so that
    /// one late renewal costs nothing. Default 45 s. Key `expiry_seconds`.
    package var expiry = Duration.seconds(45)

    /// The defaults.
    package init() {}
}
