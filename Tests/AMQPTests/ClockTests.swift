import Testing

@testable import AMQP

@Suite struct ClockTests {
    private let start = ContinuousClock.Instant.now

    @Test func `a heartbeat is due half an interval after the last bytes`() {
        var clock = HeartbeatClock(interval: .seconds(10), now: start)
        #expect(!clock.mustSend(at: start + .seconds(4)))
        #expect(clock.mustSend(at: start + .seconds(5)))
        clock.sent(at: start + .seconds(5))
        #expect(!clock.mustSend(at: start + .seconds(9)))
        #expect(clock.deadline == start + .seconds(10))
    }

    @Test func `two silent intervals mean that the peer is gone`() {
        var clock = HeartbeatClock(interval: .seconds(10), now: start)
        clock.heard(at: start + .seconds(3))
        #expect(!clock.isPeerGone(at: start + .seconds(22)))
        #expect(clock.isPeerGone(at: start + .seconds(23)))
    }

    @Test func `without heartbeats nothing is ever due`() {
        let clock = HeartbeatClock(interval: .zero, now: start)
        #expect(!clock.mustSend(at: start + .seconds(3600)))
        #expect(!clock.isPeerGone(at: start + .seconds(3600)))
        #expect(clock.deadline == nil)
    }

    @Test func `pauses double up to the cap and start over after a success`() {
        var generator = SeededGenerator(seed: 1)
        var backoff = Backoff(base: .milliseconds(100), cap: .seconds(10))
        var ceilings: [Duration] = []
        for _ in 0..<30 {
            ceilings.append(backoff.ceiling)
            let pause = backoff.next(using: &generator)
            #expect(pause >= .zero && pause <= ceilings.last ?? .zero)
        }
        #expect(ceilings.prefix(3) == [.milliseconds(100), .milliseconds(200), .milliseconds(400)])
        #expect(ceilings.last == .seconds(10))
        backoff.reset()
        #expect(backoff.ceiling == .milliseconds(100))
    }
}
