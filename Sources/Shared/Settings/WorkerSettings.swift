/// The worker process itself.
package struct WorkerSettings: Sendable, Equatable {
    /// How long running work may take to finish after SIGTERM, before it is given back. Default 30 s.
    /// Key `drain_timeout_seconds`.
    package var drainTimeout = Duration.seconds(30)
    /// The loopback port of `/healthz`, `/readyz` and `/metrics`. Default 0: any free port, printed in the log.
    package var httpPort = 0
    /// The memory a worker process may hold before it is replaced, in bytes; running jobs go on to their end. Default
    /// nil: no limit. Key `max_rss`, such as `500MB`.
    package var maxResidentBytes: Int64?
    /// When a group under `--autoscale` grows and shrinks.
    package var autoscale = AutoscaleSettings()

    /// The defaults.
    package init() {}
}
