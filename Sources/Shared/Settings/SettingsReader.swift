import Yams

/// Turns the root of a configuration file into settings, noting every mistake on the way.
struct SettingsReader {
    private static let day = Duration.seconds(86_400)

    /// Resolves working directories; absolute.
    let folder: String

    /// Reads what the block holds into `settings`; what is missing or wrong keeps its default.
    func read(_ root: Section, into settings: inout Settings) {
        let root = root.knowing([
            "amqp_url", "database_url", "database_accept_unsafe", "lanes", "defaults", "retry", "lease", "worker",
            "spool", "watch", "retention", "sentinel", "models", "handlers",
        ])
        settings.broker.url = url(root["amqp_url"], as: .broker) ?? settings.broker.url
        settings.database.url = url(root["database_url"], as: .database) ?? settings.database.url
        settings.database.acceptsUnsafe =
            root["database_accept_unsafe"]?.boolean() ?? settings.database.acceptsUnsafe
        if let lanes = root.section("lanes") { settings.lanes = readLanes(lanes) }
        if let defaults = root.section("defaults") { read(defaults, into: &settings.defaults) }
        if let retry = root.section("retry") { settings.retry = RetryReader.read(retry, over: settings.retry) }
        if let lease = root.section("lease") { read(lease, into: &settings.lease) }
        if let worker = root.section("worker") { read(worker, into: &settings.worker) }
        if let spool = root.section("spool") { read(spool, into: &settings.spool) }
        if let watch = root.section("watch") { read(watch, into: &settings.watch) }
        if let retention = root.section("retention") { settings.retention = RetentionSettings(retention) }
        if let sentinel = root.section("sentinel") { SentinelReader.read(sentinel, into: &settings.sentinel) }
        let models = root.section("models")?.named("model", NameRule.modelRule, where: NameRule.isModel) ?? []
        for (name, field) in models { settings.models[name] = ModelReader.read(field) }
        if let handlers = root.section("handlers") {
            let kinds = handlers.named("kind of work order", NameRule.kindRule, where: NameRule.isKind)
            let reader = HandlerReader(folder: folder, models: models.map(\.name), retry: settings.retry)
            for (kind, field) in kinds { settings.handlers[kind] = reader.read(field) }
            checkEconomies(kinds, of: settings.handlers)
        }
    }

    private func url(_ field: Field?, as role: URLRole) -> String? {
        guard let field, let text = field.secret(expected: "a URL") else { return nil }
        if let flaw = role.flaw(in: text) {
            field.fail(flaw)
            return nil
        }
        return text
    }

    private func readLanes(_ section: Section) -> [String: LaneSettings] {
        var lanes: [String: LaneSettings] = [:]
        for (name, field) in section.named("lane", NameRule.laneRule, where: NameRule.isLane) {
            guard let lane = Section(field)?.knowing(["weight"]) else { continue }
            lanes[name] = LaneSettings(weight: lane["weight"]?.integer(in: 1...100) ?? 1)
        }
        if lanes.isEmpty { section.fail("names no lane: add one, or leave the key out for the lane default") }
        return lanes
    }

    private func read(_ section: Section, into defaults: inout DefaultSettings) {
        let section = section.knowing([
            "max_attempts", "timeout_seconds", "max_message_bytes", "unknown_kind_grace_seconds",
        ])
        defaults.maxAttempts = section["max_attempts"]?.integer(in: 1...100, unit: "attempts") ?? defaults.maxAttempts
        defaults.timeout = section["timeout_seconds"]?.seconds(in: HandlerReader.timeouts) ?? defaults.timeout
        defaults.maxMessageBytes =
            section["max_message_bytes"]?.integer(in: 1_024...134_217_728, unit: "bytes") ?? defaults.maxMessageBytes
        defaults.unknownKindGrace =
            section["unknown_kind_grace_seconds"]?.seconds(in: .zero...Self.day) ?? defaults.unknownKindGrace
    }

    private func read(_ section: Section, into lease: inout LeaseSettings) {
        let section = section.knowing(["heartbeat_seconds", "expiry_seconds"])
        lease.heartbeat = section["heartbeat_seconds"]?.seconds(in: .milliseconds(100)...Self.day) ?? lease.heartbeat
        lease.expiry = section["expiry_seconds"]?.seconds(in: .milliseconds(200)...Self.day) ?? lease.expiry
        if lease.expiry < lease.heartbeat * 2 {
            section.fail(
                "has an expiry_seconds below twice its heartbeat_seconds: one late heartbeat would lose the work"
            )
        }
    }

    private func read(_ section: Section, into spool: inout SpoolSettings) {
        let section = section.knowing(["folder", "max_bytes"])
        spool.folder = section["folder"]?.text(expected: "a folder") ?? spool.folder
        spool.maxBytes =
            section["max_bytes"]?.integer(in: 1_048_576...1_099_511_627_776, unit: "bytes") ?? spool.maxBytes
    }

    private func read(_ section: Section, into worker: inout WorkerSettings) {
        let section = section.knowing(["drain_timeout_seconds", "listen", "max_rss", "autoscale"])
        worker.drainTimeout = section["drain_timeout_seconds"]?.seconds(in: .zero...Self.day) ?? worker.drainTimeout
        worker.listen = section["listen"]?.listenAddress() ?? worker.listen
        worker.maxResidentBytes = section["max_rss"]?.byteSize() ?? worker.maxResidentBytes
        if let autoscale = section.section("autoscale") { worker.autoscale = AutoscaleSettings(autoscale) }
    }

    private func read(_ section: Section, into watch: inout WatchSettings) {
        let section = section.knowing(["stuck_warned_seconds", "stuck_escalated_seconds"])
        let times = Duration.seconds(1)...Self.day * 30
        watch.stuckWarned = section["stuck_warned_seconds"]?.seconds(in: times) ?? watch.stuckWarned
        watch.stuckEscalated = section["stuck_escalated_seconds"]?.seconds(in: times) ?? watch.stuckEscalated
        if watch.stuckEscalated < watch.stuckWarned {
            section.fail("has a stuck_escalated_seconds below its stuck_warned_seconds: raise it")
        }
    }
}
