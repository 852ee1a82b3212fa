/// How a worker shows that it still holds a work order, and when others may take it over.
package struct LeaseSettings: Sendable, Equatable {
    /// How often a worker renews the leases of its running work. Default 10 s. Key `heartbeat_seconds`.
    package var heartbeat = Duration.seconds(10)
    /// How long after its last renewal a lease ends and the work is rescued; at least twice the heartbeat, so that
    /// one late renewal costs nothing. Default 45 s. Key `expiry_seconds`.
    package var expiry = Duration.seconds(45)

    /// The defaults.
    package init() {}
}

extension LeaseSettings: SettingsSection {
    static let key = "lease"

    mutating func read(_ section: Section) {
        let section = section.knowing(["heartbeat_seconds", "expiry_seconds"])
        heartbeat = section["heartbeat_seconds"]?.seconds(in: .milliseconds(100)...Duration.day) ?? heartbeat
        expiry = section["expiry_seconds"]?.seconds(in: .milliseconds(200)...Duration.day) ?? expiry
        if expiry < heartbeat * 2 {
            section.fail(
                "has an expiry_seconds below twice its heartbeat_seconds: one late heartbeat would lose the work"
            )
        }
    }

    var shown: ShownValue {
        .block([
            ("heartbeat_seconds", .seconds(heartbeat)),
            ("expiry_seconds", .seconds(expiry)),
        ])
    }
}
