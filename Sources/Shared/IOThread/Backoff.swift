/// Growing pauses between attempts: the base, doubled with each further failure in a row, up to the cap. Jittered, so
/// that processes don't return in step, to at least half of that: what fails at once must not be hammered.
package struct Backoff: Sendable, Equatable {
    /// The pause after the first failure.
    package let base: Duration
    /// The longest pause.
    package let cap: Duration
    /// In a row, up to now.
    package private(set) var failures = 0

    /// - Parameters:
    ///   - base: default 100 ms.
    ///   - cap: default 5 s.
    package init(base: Duration = .milliseconds(100), cap: Duration = .seconds(5)) {
        self.base = base
        self.cap = cap
    }

    /// The whole pause after so many failures in a row, from 1, for who counts them himself.
    package func pause(after failures: Int) -> Duration { min(cap, base * (1 << min(max(failures - 1, 0), 20))) }

    /// The same with jitter.
    /// - Parameter jitter: random, 0 to 1; 1 gives the whole pause, 0 half of it.
    package func pause(after failures: Int, jitter: Double) -> Duration {
        pause(after: failures) * (0.5 + 0.5 * min(max(jitter, 0), 1))
    }

    /// Counts a failure.
    /// - Returns: the jittered pause before the next attempt.
    package mutating func failed() -> Duration {
        failures += 1
        return pause(after: failures, jitter: .random(in: 0...1))
    }

    /// Starts over.
    package mutating func succeeded() { failures = 0 }
}
