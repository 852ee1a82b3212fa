/// The worker process itself.
package struct WorkerSettings: Sendable, Equatable {
    /// How long running work may take to finish after SIGTERM, before it is given back. Default 30 s.
    /// Key `drain_timeout_seconds`.
    package var drainTimeout = Duration.seconds(30)
    /// Where `/healthz`, `/readyz`, `/metrics` and `/api/scaling` are served. Default any free port of 127.0.0.1,
    /// printed in the log. Key `listen`, such as `127.0.0.1:9100`; `http_port` is its earlier name.
    package var listen = ListenAddress(port: 0)
    /// The memory a worker process may hold before it is replaced, in bytes; running jobs go on to their end. Default
    /// nil: no limit. Key `max_rss`, such as `500MB`.
    package var maxResidentBytes: Int64?
    /// When a group under `--autoscale` grows and shrinks.
    package var autoscale = AutoscaleSettings()

    /// The defaults.
    package init() {}
}

extension WorkerSettings: SettingsSection {
    static let key = "worker"

    mutating func read(_ section: Section) {
        let section = section.knowing([
            "drain_timeout_seconds", "listen", "http_port", "max_rss", AutoscaleSettings.key,
        ])
        drainTimeout = section["drain_timeout_seconds"]?.seconds(in: .zero...Duration.day) ?? drainTimeout
        // Its name while it took a port alone: a file may serve workers of both releases.
        let earlier = section["http_port"]
        if section["listen"] != nil { earlier?.fail("says the same as worker.listen: keep that") }
        listen = (section["listen"] ?? earlier)?.listenAddress() ?? listen
        maxResidentBytes = section["max_rss"]?.byteSize() ?? maxResidentBytes
        section.read(into: &autoscale)
    }

    var shown: ShownValue {
        var entries: [(key: String, value: ShownValue)] = [
            ("drain_timeout_seconds", .seconds(drainTimeout)),
            ("listen", .text("\(listen)")),
        ]
        if let maxResidentBytes { entries.append(("max_rss", .text(ByteSize.text(maxResidentBytes)))) }
        entries.append(autoscale.entry)
        return .block(entries)
    }
}
