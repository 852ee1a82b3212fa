import IOThread
import Testing

@Suite struct BackoffTests {
    @Test func `pauses double up to the cap, are at least half of that, and start over after a success`() {
        var backoff = Backoff(base: .milliseconds(100), cap: .seconds(10))
        var whole = Duration.milliseconds(100)
        for _ in 0..<30 {
            let pause = backoff.failed()
            #expect(pause >= whole / 2 && pause <= whole)
            whole = min(whole * 2, .seconds(10))
        }
        backoff.succeeded()
        #expect(backoff.failed() <= .milliseconds(100))
    }

    @Test func `whoever counts the failures himself gets the whole pause, or what the jitter leaves of it`() {
        let backoff = Backoff(base: .milliseconds(100), cap: .seconds(5))
        let whole = [0, 1, 2, 3, 5000].map { failures in backoff.pause(after: failures) }
        #expect(
            whole == [
                .milliseconds(100), .milliseconds(100), .milliseconds(200), .milliseconds(400), .seconds(5),
            ])
        #expect(backoff.pause(after: 2, jitter: 0) == .milliseconds(100))
        #expect(backoff.pause(after: 3, jitter: 1) == .milliseconds(400))
        #expect(backoff.pause(after: 5000, jitter: 2) == .seconds(5))
    }
}
