/// How much work a lane has, in the whole system.
package struct LaneFigures: Sendable, Equatable {
    /// Orders that could run now and that nobody has claimed.
    package var queued: Int
    /// Orders that run.
    package var running: Int
    /// How old the oldest queued order is, as far as known; zero without a backlog.
    package var oldestAge: Duration

    package init(queued: Int, running: Int, oldestAge: Duration) {
        self.queued = queued
        self.running = running
        self.oldestAge = oldestAge
    }
}
