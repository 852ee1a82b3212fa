internal import IOThread

/// Remembers that a net did not take the last batch, so that the next goes past it at once. Tried again after a pause
/// that grows up to five seconds.
struct Breaker {
    private var backoff = Backoff(base: .milliseconds(500))
    private var retryAt: ContinuousClock.Instant?

    func isClosed(_ now: ContinuousClock.Instant) -> Bool { retryAt.map { $0 <= now } ?? true }

    mutating func worked() { self = Breaker() }

    mutating func failed(_ now: ContinuousClock.Instant) { retryAt = now + backoff.failed() }
}
