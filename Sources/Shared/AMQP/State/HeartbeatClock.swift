/// Decides when to send a heartbeat and when the peer counts as gone: after two intervals of silence.
struct HeartbeatClock: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Zero: heartbeats are off.
    let interval: Duration
    private var lastSent: Instant
    private var lastHeard: Instant

    init(interval: Duration, now: Instant) {
        self.interval = interval
        lastSent = now
        lastHeard = now
    }

    mutating func sent(at now: Instant) { lastSent = now }
    mutating func heard(at now: Instant) { lastHeard = now }

    /// Half an interval after the last bytes went out.
    func mustSend(at now: Instant) -> Bool { interval > .zero && now - lastSent >= interval / 2 }
    func isPeerGone(at now: Instant) -> Bool { interval > .zero && now - lastHeard >= interval * 2 }

    /// When to look again; nil when heartbeats are off.
    var deadline: Instant? {
        interval > .zero ? min(lastSent + interval / 2, lastHeard + interval * 2) : nil
    }
}
