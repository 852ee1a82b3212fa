import TestSupport
import Testing
import WorkOrders

struct RetryPolicyTests {
    private let failure = AttemptFailure(.infrastructure, "the service was away")

    @Test func `a wait stays within the doubled base and the cap, whatever the attempt`() throws {
        var generator = SplitMix64(seed: 1)
        for _ in 0..<20_000 {
            let policy = RetryPolicy(
                base: .milliseconds(Int.random(in: 1...60_000, using: &generator)),
                cap: .seconds(Int.random(in: 1...3600, using: &generator)))
            let attempt = Int.random(in: 1...99, using: &generator)
            let wait = try #require(
                policy.delay(after: failure, attempt: attempt, maxAttempts: 100, using: &generator))
            #expect(wait >= .zero)
            #expect(wait <= policy.cap)
            if attempt <= 20 { #expect(wait <= policy.base * (1 << (attempt - 1))) }
        }
    }

    @Test func `the jitter uses the whole range, so that a crowd does not come back at once`() throws {
        var generator = SplitMix64(seed: 2)
        let policy = RetryPolicy(base: .seconds(10), cap: .seconds(600))
        let waits = try (0..<1000).map { _ in
            try #require(policy.delay(after: failure, attempt: 1, maxAttempts: 5, using: &generator))
        }
        #expect(waits.contains { $0 < .seconds(1) })
        #expect(waits.contains { $0 > .seconds(9) })
    }

    @Test func `attempts grow apart until the cap`() throws {
        var generator = SplitMix64(seed: 3)
        let policy = RetryPolicy(base: .seconds(5), cap: .seconds(600))
        func longest(_ attempt: Int) throws -> Duration {
            try (0..<500).map { _ in
                try #require(policy.delay(after: failure, attempt: attempt, maxAttempts: 100, using: &generator))
            }.max() ?? .zero
        }
        #expect(try longest(1) <= .seconds(5))
        #expect(try longest(3) > .seconds(10))
        #expect(try longest(50) > .seconds(500))
    }

    @Test func `the last attempt and a hopeless failure have no next one`() {
        var generator = SplitMix64(seed: 4)
        let policy = RetryPolicy()
        #expect(policy.delay(after: failure, attempt: 5, maxAttempts: 5, using: &generator) == nil)
        #expect(policy.delay(after: failure, attempt: 6, maxAttempts: 5, using: &generator) == nil)
        #expect(policy.delay(after: failure, attempt: 1, maxAttempts: 1, using: &generator) == nil)
        let hopeless = AttemptFailure(.invalidInput, "no such file", retry: .never)
        #expect(policy.delay(after: hopeless, attempt: 1, maxAttempts: 5, using: &generator) == nil)
    }

    @Test func `what the other side asked for is kept, within a day`() {
        var generator = SplitMix64(seed: 5)
        let policy = RetryPolicy()
        func wait(_ asked: Duration) -> Duration? {
            policy.delay(
                after: AttemptFailure(.infrastructure, "busy", retry: .after(asked)), attempt: 1, maxAttempts: 2,
                using: &generator)
        }
        #expect(wait(.seconds(120)) == .seconds(120))
        #expect(wait(.seconds(-5)) == .zero)
        #expect(wait(.seconds(10_000_000)) == .seconds(86_400))
    }
}
