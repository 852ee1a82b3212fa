/// What holds for every work order whose message and handler don't say otherwise.
package struct DefaultSettings: Sendable, Equatable {
    /// Attempts before a work order counts as failed for good and is dead-lettered. Default 5, from 1 to 100.
    package var maxAttempts = 5
    /// How long one attempt may run before it is stopped. Default 600 s, up to 7 days. Key `timeout_seconds`.
    package var timeout = Duration.seconds(600)
    /// The largest message body that is published or accepted, in bytes. Default 1,048,576 (1 MiB), up to 128 MiB.
    package var maxMessageBytes = 1_048_576
    /// How long a work order of a kind no worker knows is put back, before it is dead-lettered: the time a rolling
    /// deployment needs to bring the new kind everywhere. Default 600 s. Key `unknown_kind_grace_seconds`.
    package var unknownKindGrace = Duration.seconds(600)

    /// The defaults.
    package init() {}
}

extension DefaultSettings: SettingsSection {
    static let key = "defaults"

    mutating func read(_ section: Section) {
        let section = section.knowing([
            "max_attempts", "timeout_seconds", "max_message_bytes", "unknown_kind_grace_seconds",
        ])
        maxAttempts = section["max_attempts"]?.integer(in: 1...100, unit: "attempts") ?? maxAttempts
        timeout = section["timeout_seconds"]?.seconds(in: HandlerSettings.timeouts) ?? timeout
        maxMessageBytes =
            section["max_message_bytes"]?.integer(in: 1_024...134_217_728, unit: "bytes") ?? maxMessageBytes
        unknownKindGrace =
            section["unknown_kind_grace_seconds"]?.seconds(in: .zero...Duration.day) ?? unknownKindGrace
    }

    var shown: ShownValue {
        .block([
            ("max_attempts", .integer(maxAttempts)),
            ("timeout_seconds", .seconds(timeout)),
            ("max_message_bytes", .integer(maxMessageBytes)),
            ("unknown_kind_grace_seconds", .seconds(unknownKindGrace)),
        ])
    }
}
