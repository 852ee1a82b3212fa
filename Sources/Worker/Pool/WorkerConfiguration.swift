package import FoundationEssentials
package import Store
package import WorkOrders

/// How one worker process works. Times follow the design's defaults.
package struct WorkerConfiguration: Sendable {
    /// A lane and how many of its jobs may run at once here.
    package struct Lane: Sendable, Equatable {
        package var name: String
        package var slots: Int
        /// Its share of a batch next to the other lanes' weights, where more waits than a batch takes. Default 1.
        package var weight: Int

        package init(name: String, slots: Int, weight: Int = 1) {
            self.name = name
            self.slots = slots
            self.weight = weight
        }
    }

    /// Names this process in leases; new for every start.
    package var id = UUID.timeOrdered()
    package var host = "localhost"
    /// The parent that keeps this process; nil without one.
    package var supervisor: WorkerSupervisor?
    package var lanes: [Lane]
    /// How often leases are renewed. Default 10 s. Setting it sets ``leasePass``, too.
    package var heartbeat: Duration = .seconds(10) {
        didSet { leasePass = max(.seconds(15), heartbeat * 3 / 2) }
    }
    /// When a lease that nobody renews may be rescued. Default 45 s.
    package var lease: Duration = .seconds(45)
    /// How often expired leases are looked at; a rescue takes two passes. Default 15 s, or one and a half heartbeats where
    /// that is longer: after an outage the living must renew between two passes.
    package var leasePass: Duration = .seconds(15)
    /// How often the safety net looks for what could go on. Default 30 s.
    package var sweep: Duration = .seconds(30)
    package var unknownKindGrace: Duration = .seconds(600)
    package var retry = RetryPolicy()
    package var defaultTimeout: Duration = .seconds(600)
    package var defaultMaxAttempts = 5
    package var maxMessageBytes = 1_048_576
    /// How long running jobs may go on after a stop was asked for, before they are interrupted. Default 30 s.
    package var drainTimeout: Duration = .seconds(30)
    /// How long the registry remembers workers that stopped or were lost. Default 7 days.
    package var keepsStoppedWorkers: Duration = .seconds(604_800)
    /// How long a delivery may wait for a slot before it is registered in any case, and how long the database may be away
    /// before the intake stops. Default 2 s.
    package var patience: Duration = .seconds(2)
    /// How long the database may be away before unclaimed deliveries go back to the queue. Default 10 min.
    package var giveBackAfter: Duration = .seconds(600)
    /// The most deliveries one claim takes. Default 500.
    package var batch = 500

    package init(lanes: [Lane]) { self.lanes = lanes }
}
