/// Growing pauses with full jitter, so that a thousand clients don't come back in step.
struct Backoff: Sendable {
    let base: Duration
    let cap: Duration
    private(set) var failures = 0

    init(base: Duration = .milliseconds(100), cap: Duration = .seconds(5)) {
        self.base = base
        self.cap = cap
    }

    /// The longest pause that may come next.
    var ceiling: Duration { failures >= 20 ? cap : min(cap, base * (1 << failures)) }

    /// A pause between nothing and the ceiling; the ceiling doubles.
    mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let pause = ceiling * Double.random(in: 0...1, using: &generator)
        failures += 1
        return pause
    }

    /// After a success.
    mutating func reset() { failures = 0 }
}
