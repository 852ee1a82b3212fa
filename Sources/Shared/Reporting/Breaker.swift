/// Remembers that a net did not take the last batch, so that the next goes past it at once. Tried again after a pause
/// that grows from half a second to five.
struct Breaker {
    private var failures = 0
    private var retryAt: ContinuousClock.Instant?

    func isClosed(_ now: ContinuousClock.Instant) -> Bool { retryAt.map { $0 <= now } ?? true }

    mutating func worked() { self = Breaker() }

    mutating func failed(_ now: ContinuousClock.Instant) {
        failures += 1
        retryAt = now + min(.seconds(5), .milliseconds(250) * (1 << min(failures, 5)))
    }
}
