/// When the Client Manager tells of what stands still.
package struct WatchSettings: Sendable, Equatable {
    /// How long a work order may be in progress before a warning tells of it. Default 2 h. Key `stuck_warned_seconds`.
    package var stuckWarned = Duration.seconds(2 * 3600)
    /// How long before a person must look; not below the warning. Default 24 h. Key `stuck_escalated_seconds`.
    package var stuckEscalated = Duration.seconds(24 * 3600)

    /// The defaults.
    package init() {}
}

extension WatchSettings: SettingsSection {
    static let key = "watch"

    mutating func read(_ section: Section) {
        let section = section.knowing(["stuck_warned_seconds", "stuck_escalated_seconds"])
        let times = Duration.seconds(1)...Duration.day * 30
        stuckWarned = section["stuck_warned_seconds"]?.seconds(in: times) ?? stuckWarned
        stuckEscalated = section["stuck_escalated_seconds"]?.seconds(in: times) ?? stuckEscalated
        if stuckEscalated < stuckWarned {
            section.fail("has a stuck_escalated_seconds below its stuck_warned_seconds: raise it")
        }
    }

    var shown: ShownValue {
        .block([
            ("stuck_warned_seconds", .seconds(stuckWarned)),
            ("stuck_escalated_seconds", .seconds(stuckEscalated)),
        ])
    }
}
