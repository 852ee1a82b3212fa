/// How long to wait before the next attempt: doubling, capped, and jittered so that processes don't return in step.
struct Backoff {
    var base: Duration = .milliseconds(100)
    var cap: Duration = .seconds(5)

    /// - Parameters:
    ///   - failures: how many attempts failed in a row, from 1.
    ///   - jitter: random, 0 to 1; 1 gives the full delay, 0 half of it.
    func delay(failures: Int, jitter: Double) -> Duration {
        let doubled = base * (1 << min(max(failures - 1, 0), 20))
        return min(cap, doubled) * (0.5 + 0.5 * min(max(jitter, 0), 1))
    }
}
