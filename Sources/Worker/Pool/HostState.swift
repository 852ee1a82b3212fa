internal import IOThread

/// Whether this worker's machine can start work, decided without I/O: one failure is enough to doubt it, and only a probe
/// that works clears it.
struct HostState: Sendable {
    /// The wait before the first probe; it doubles with each failure in a row.
    static let firstWait = Duration.seconds(1)
    /// The longest wait before a probe.
    static let longestWait = Duration.seconds(30)
    private static let backoff = Backoff(base: firstWait, cap: longestWait)
    /// Told again only after so long.
    static let quiet = Duration.seconds(600)

    /// What is missing; nil while all is well.
    private(set) var trouble: String?
    /// Probes and starts that failed since work last began.
    private var failures = 0
    private var probesAt: ContinuousClock.Instant?
    private var toldAt: ContinuousClock.Instant?

    /// Work could not be started.
    /// - Returns: whether that is news.
    mutating func failed(_ why: String, at now: ContinuousClock.Instant) -> Bool {
        // Many start at once, and fail at once.
        guard trouble == nil else { return false }
        doubt(why, at: now)
        if let toldAt, now - toldAt < Self.quiet { return false }
        toldAt = now
        return true
    }

    /// Whether it is time to look again.
    func wantsProbe(at now: ContinuousClock.Instant) -> Bool { probesAt.map { now >= $0 } ?? false }

    /// A probe has ended: nil is well.
    mutating func probed(_ missing: String?, at now: ContinuousClock.Instant) {
        guard let missing else {
            trouble = nil
            probesAt = nil
            return
        }
        doubt(missing, at: now)
    }

    /// Work began: whatever was before is over.
    mutating func worked() { if trouble == nil { failures = 0 } }

    private mutating func doubt(_ why: String, at now: ContinuousClock.Instant) {
        trouble = why
        failures += 1
        probesAt = now + Self.backoff.pause(after: failures)
    }
}
