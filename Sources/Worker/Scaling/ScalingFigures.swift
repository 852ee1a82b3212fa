package import AMQP
internal import Messaging
package import Store
internal import WorkOrders

/// How much work there is, from the database and the broker; asked at most once a second, however many want to know.
package actor ScalingFigures {
    /// What workers of this process or group know and nobody else: deliveries they hold unclaimed, by lane, and how old
    /// those were that they claimed lately.
    package struct Local: Sendable {
        package var waiting: [String: Int]
        package var claimedAge: Duration?

        package init(waiting: [String: Int] = [:], claimedAge: Duration? = nil) {
            self.waiting = waiting
            self.claimedAge = claimedAge
        }
    }

    /// The lanes there are, and the slots of each in one process.
    package nonisolated let slots: [String: Int]
    private let store: Store
    private let publisher: AMQPPublisher
    private let local: @Sendable () -> Local
    private let lifetime: Duration
    private var known: (figures: [String: LaneFigures], at: ContinuousClock.Instant)?
    private var asking: Task<[String: LaneFigures], any Error>?

    /// - Parameters:
    ///   - slots: by lane.
    ///   - lifetime: how long figures are good for. Default 1 s.
    package init(
        slots: [String: Int], store: Store, publisher: AMQPPublisher, lifetime: Duration = .seconds(1),
        local: @escaping @Sendable () -> Local = { Local() }
    ) {
        self.slots = slots
        self.store = store
        self.publisher = publisher
        self.lifetime = lifetime
        self.local = local
    }

    /// The figures of every lane, at most ``lifetime`` old.
    /// - Throws: why the database or the broker can't be asked; nothing is guessed then.
    package func current() async throws -> [String: LaneFigures] {
        if let known, .now - known.at < lifetime { return known.figures }
        if let asking { return try await asking.value }
        let task = Task { try await self.ask() }
        asking = task
        defer { asking = nil }
        let figures = try await task.value
        known = (figures, .now)
        return figures
    }

    private func ask() async throws -> [String: LaneFigures] {
        var figures: [String: LaneFigures] = [:]
        let local = local()
        for load in try await store.laneLoads(slots.keys.sorted()) {
            let queue = MooseTopology.workQueue(lane: load.lane)
            let messages = try await publisher.queueStatistics(queue)?.messages ?? 0
            // An order is on the broker, or in a worker's hands, or registered: each once.
            let all = messages + load.due + (local.waiting[load.lane] ?? 0)
            // What the lane's pause, limit or rate would hold back, no process could run.
            let queued = min(all, load.room ?? all)
            let unclaimed = messages > 0 ? local.claimedAge ?? .zero : .zero
            figures[load.lane] = LaneFigures(
                queued: queued, running: load.running, oldestAge: queued == 0 ? .zero : max(load.oldestAge, unclaimed))
        }
        return figures
    }
}
