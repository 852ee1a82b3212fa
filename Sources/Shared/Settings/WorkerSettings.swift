/// The worker process itself.
package struct WorkerSettings: Sendable, Equatable {
    /// How long running work may take to finish after SIGTERM, before it is given back. Default 30 s.
    /// Key `drain_timeout_seconds`.
    package var drainTimeout = Duration.seconds(30)
    /// The loopback port of `/healthz`, `/readyz` and `/metrics`. Default 0: any free port, printed in the log.
    package var httpPort = 0

    /// The defaults.
    package init() {}
}
