/// When the Client Manager tells of what stands still.
package struct WatchSettings: Sendable, Equatable {
    /// How long a work order may be in progress before a warning tells of it. Default 2 h. Key `stuck_warned_seconds`.
    package var stuckWarned = Duration.seconds(2 * 3600)
    /// How long before a person must look; not below the warning. Default 24 h. Key `stuck_escalated_seconds`.
    package var stuckEscalated = Duration.seconds(24 * 3600)

    /// The defaults.
    package init() {}
}
