/// What an autoscaler knows at one moment.
package struct ScalingObservation: Sendable, Equatable {
    /// One lane: its whole backlog, and what this group's processes do of it.
    package struct Lane: Sendable, Equatable {
        package var name: String
        /// Orders that could run now and that nobody has claimed.
        package var queued: Int
        /// How old the oldest of them is; zero without a backlog.
        package var oldestAge: Duration
        /// Jobs of the lane that run in this group.
        package var running: Int
        /// Slots of the lane in one process.
        package var slotsPerProcess: Int

        package init(name: String, queued: Int, oldestAge: Duration, running: Int, slotsPerProcess: Int) {
            self.name = name
            self.queued = queued
            self.oldestAge = oldestAge
            self.running = running
            self.slotsPerProcess = slotsPerProcess
        }
    }

    package var lanes: [Lane]
    /// Processes that take work.
    package var ready: Int
    /// Processes that are meant to take work and don't yet: starting, or waiting to be started again after a crash.
    package var starting: Int
    /// Processes that run their last jobs.
    package var draining: Int

    package init(lanes: [Lane], ready: Int, starting: Int = 0, draining: Int = 0) {
        self.lanes = lanes
        self.ready = ready
        self.starting = starting
        self.draining = draining
    }
}
