/// How long failed work waits before its next attempt: the base, doubled with each attempt, up to the cap.
package struct RetrySettings: Sendable, Equatable {
    /// The wait after the first failed attempt. Default 5 s. Key `base_seconds`.
    package var base = Duration.seconds(5)
    /// The longest wait; not below the base. Default 600 s. Key `cap_seconds`.
    package var cap = Duration.seconds(600)

    /// The defaults.
    package init() {}
}

/// Of the whole file, or of one kind: there what holds for all kinds stands where a key is missing.
extension RetrySettings: SettingsSection {
    static let key = "retry"

    mutating func read(_ section: Section) {
        // Shorter waits would only spin.
        let waits = Duration.milliseconds(10)...Duration.day
        let section = section.knowing(["base_seconds", "cap_seconds"])
        base = section["base_seconds"]?.seconds(in: waits) ?? base
        cap = section["cap_seconds"]?.seconds(in: waits) ?? cap
        if cap < base { section.fail("has a cap_seconds below its base_seconds: raise the cap") }
    }

    var shown: ShownValue {
        .block([("base_seconds", .seconds(base)), ("cap_seconds", .seconds(cap))])
    }
}
