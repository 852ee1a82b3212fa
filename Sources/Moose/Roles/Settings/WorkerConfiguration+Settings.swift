internal import Settings
internal import WorkOrders
internal import Worker

extension WorkerConfiguration {
    /// What moose.yaml says of all workers.
    init(_ settings: Settings, lanes: [Lane]) {
        self.init(lanes: lanes)
        heartbeat = settings.lease.heartbeat
        lease = settings.lease.expiry
        // Whoever is alive renews between the two looks of a rescue; 15 s with the default lease.
        leasePass = min(.seconds(15), max(settings.lease.heartbeat * 1.5, settings.lease.expiry / 3))
        unknownKindGrace = settings.defaults.unknownKindGrace
        retry = RetryPolicy(base: settings.retry.base, cap: settings.retry.cap)
        defaultTimeout = settings.defaults.timeout
        defaultMaxAttempts = settings.defaults.maxAttempts
        maxMessageBytes = settings.defaults.maxMessageBytes
        drainTimeout = settings.worker.drainTimeout
    }
}
