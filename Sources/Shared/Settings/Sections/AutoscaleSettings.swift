/// When a group of worker processes under `--autoscale` grows and shrinks.
package struct AutoscaleSettings: Sendable, Equatable {
    /// How often the figures are looked at. Default 1 s. Key `interval_seconds`.
    package var interval = Duration.seconds(1)
    /// How old the backlog must be before busy processes get help. Default 1 s. Key `grow_after_seconds`.
    package var growAfter = Duration.seconds(1)
    /// The least time between a change and the next growth. Default 3 s. Key `grow_cooldown_seconds`.
    package var growCooldown = Duration.seconds(3)
    /// How long one process fewer must have been enough before one is drained, and the time between two drains.
    /// Default 30 s. Key `shrink_after_seconds`.
    package var shrinkAfter = Duration.seconds(30)

    /// The defaults.
    package init() {}
}

extension AutoscaleSettings: SettingsSection {
    static let key = "autoscale"

    mutating func read(_ section: Section) {
        let section = section.knowing([
            "interval_seconds", "grow_after_seconds", "grow_cooldown_seconds", "shrink_after_seconds",
        ])
        let hour = Duration.seconds(3600)
        interval = section["interval_seconds"]?.seconds(in: .milliseconds(100)...hour) ?? interval
        growAfter = section["grow_after_seconds"]?.seconds(in: .zero...hour) ?? growAfter
        growCooldown = section["grow_cooldown_seconds"]?.seconds(in: .zero...hour) ?? growCooldown
        shrinkAfter = section["shrink_after_seconds"]?.seconds(in: .seconds(1)...Duration.day) ?? shrinkAfter
    }

    var shown: ShownValue {
        .block([
            ("interval_seconds", .seconds(interval)),
            ("grow_after_seconds", .seconds(growAfter)),
            ("grow_cooldown_seconds", .seconds(growCooldown)),
            ("shrink_after_seconds", .seconds(shrinkAfter)),
        ])
    }
}
