/// When a failed work order is tried again: exponential backoff with full jitter.
package struct RetryPolicy: Sendable, Equatable {
    /// Upper bound of the first wait. Default 5 s.
    package var base: Duration
    /// Upper bound of every wait. Default 10 min.
    package var cap: Duration

    package init(base: Duration = .seconds(5), cap: Duration = .seconds(600)) {
        self.base = base
        self.cap = cap
    }

    /// How long to wait before the next attempt, or nil to give up.
    ///
    /// - Parameters:
    ///   - failure: what went wrong.
    ///   - attempt: the attempt that failed, from 1.
    ///   - maxAttempts: after this many attempts there is no further one.
    ///   - generator: the source of the jitter.
    package func delay(
        after failure: AttemptFailure, attempt: Int, maxAttempts: Int,
        using generator: inout some RandomNumberGenerator
    ) -> Duration? {
        guard attempt < maxAttempts else { return nil }
        switch failure.retry {
        case .never: return nil
        case .after(let wait): return min(max(wait, .zero), .seconds(86_400))
        case .backoff:
            let doublings = min(max(attempt - 1, 0), 30)
            let bound = min(cap, base * (1 << doublings))
            return bound * Double.random(in: 0..<1, using: &generator)
        }
    }
}
