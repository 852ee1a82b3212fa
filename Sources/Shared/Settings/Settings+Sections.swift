/// The sections of `moose.yaml`, in the order in which they are read and shown. What each holds stands in a file of its
/// own in Sections; a new one is a property of ``Settings`` and a line in each list here.
extension Settings: CustomStringConvertible {
    private static let keys =
        BrokerSettings.keys + DatabaseSettings.keys + [
            LaneSettings.key, DefaultSettings.key, RetrySettings.key, LeaseSettings.key, WorkerSettings.key,
            SpoolSettings.key, WatchSettings.key, RetentionSettings.key, SentinelSettings.key, ModelSettings.key,
            HandlerSettings.key,
        ]

    /// Takes what the file says; what is missing or, with a mistake noted, wrong keeps its default.
    /// - Parameter folder: resolves working directories; absolute.
    mutating func read(_ root: Section, folder: String) {
        let root = root.knowing(Self.keys)
        broker.read(root)
        database.read(root)
        if let section = root.section(LaneSettings.key) { lanes = LaneSettings.lanes(in: section) }
        root.read(into: &defaults)
        root.read(into: &retry)
        root.read(into: &lease)
        root.read(into: &worker)
        root.read(into: &spool)
        root.read(into: &watch)
        root.read(into: &retention)
        root.read(into: &sentinel)
        let named = root.section(ModelSettings.key).map(ModelSettings.named(in:)) ?? []
        for (name, field) in named { models[name] = ModelSettings(field) }
        if let section = root.section(HandlerSettings.key) {
            handlers = HandlerSettings.handlers(in: section, folder: folder, models: named.map(\.name), retry: retry)
        }
    }

    /// Takes what the environment says, which wins over the file.
    mutating func read(_ variables: Variables) {
        broker.read(variables)
        database.read(variables)
        spool.read(variables)
        sentinel.read(variables)
        logLevel = LogLevel(variables) ?? logLevel
    }

    /// The settings in force without secrets: passwords in URLs and the values of headers are `***`, and what came
    /// from `${NAME}` stands as written.
    package var shown: ShownValue {
        var entries = broker.entries + database.entries
        entries.append((LaneSettings.key, .named(lanes) { $0.shown }))
        entries.append(defaults.entry)
        entries.append(retry.entry)
        entries.append(lease.entry)
        entries.append(worker.entry)
        entries.append(spool.entry)
        entries.append(watch.entry)
        entries.append(retention.entry)
        entries.append(sentinel.entry)
        entries.append((ModelSettings.key, .named(models) { $0.shown }))
        entries.append((HandlerSettings.key, .named(handlers) { $0.shown }))
        return .block(entries)
    }

    /// The settings in force as YAML, without secrets: what `moose config show` prints.
    package var description: String { shown.yaml() }
}
