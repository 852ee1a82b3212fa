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
}
