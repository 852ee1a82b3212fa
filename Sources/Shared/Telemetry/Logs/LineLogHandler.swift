package import Logging

/// Turns each log event into one line of text.
package struct LineLogHandler: LogHandler {
    private let label: String
    private let format: LogFormat
    private let write: @Sendable (String) -> Void
    private let now: @Sendable () -> Timestamp

    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level
    package var metadataProvider: Logger.MetadataProvider?

    /// A handler whose lines, each with its line break, go to `write`.
    package init(
        label: String,
        level: Logger.Level,
        format: LogFormat,
        metadataProvider: Logger.MetadataProvider? = nil,
        now: @escaping @Sendable () -> Timestamp = { .now },
        write: @escaping @Sendable (String) -> Void
    ) {
        self.label = label
        self.logLevel = level
        self.format = format
        self.metadataProvider = metadataProvider
        self.now = now
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var merged = metadata
        if let provided = metadataProvider?.get() { merged.merge(provided) { _, new in new } }
        if let own = event.metadata { merged.merge(own) { _, new in new } }
        let line = LogLine(
            timestamp: now(),
            level: event.level,
            label: label,
            message: Redaction.hidingCredentials(in: event.message.description),
            error: event.error.map { Redaction.hidingCredentials(in: "\($0)") },
            metadata: Redaction.redacted(merged)
        )
        switch format {
        case .json: write(line.json)
        case .people(let colour): write(line.forPeople(colour: colour))
        }
    }
}
