/// The worker process itself.
package struct WorkerSettings: Sendable, Equatable {
    /// How long running work may take to finish after SIGTERM, before it is given back. Default 30 s.
    /// Key `drain_timeout_seconds`.
    package var drainTimeout = Duration.seconds(30)
    /// Where `/healthz`, `/readyz`, `/metrics` and `/api/scaling` are served. Default any free port of 127.0.0.1,
    /// printed in the log. Key `listen`, such as `127.0.0.1:9100`.
    package var listen = ListenAddress(port: 0)
    /// The memory a worker process may hold before it is replaced, in bytes; running jobs go on to their end. Default
    /// nil: no limit. Key `max_rss`, such as `500MB`.
    package var maxResidentBytes: Int64?
    /// When a group under `--autoscale` grows and shrinks.
    package var autoscale = AutoscaleSettings()

    /// The defaults.
    package init() {}
}
