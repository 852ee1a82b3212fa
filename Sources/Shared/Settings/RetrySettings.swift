/// How long failed work waits before its next attempt: the base, doubled with each attempt, up to the cap.
package struct RetrySettings: Sendable, Equatable {
    /// The wait after the first failed attempt. Default 5 s. Key `base_seconds`.
    package var base = Duration.seconds(5)
    /// The longest wait; not below the base. Default 600 s. Key `cap_seconds`.
    package var cap = Duration.seconds(600)

    /// The defaults.
    package init() {}
}
