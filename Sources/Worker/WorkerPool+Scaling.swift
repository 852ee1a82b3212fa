internal import AMQP
internal import DequeModule
internal import FoundationEssentials
internal import Logging
internal import Store
internal import Synchronization
internal import Telemetry
internal import WorkOrders

extension WorkerPool {
    /// Whether it takes work: it has begun, and nobody has asked it to end.
    package var isReady: Bool { state.withLock { $0.isConsuming && !$0.isStopping } }

    /// What a supervisor and an autoscaler want to know of each lane here.
    package var laneReports: [String: ProcessReport.Lane] {
        state.withLock { state in
            Dictionary(
                state.lanes.map { ($0.name, .init(running: $0.running, slots: $0.slots, waiting: $0.waiting.count)) },
                uniquingKeysWith: { first, _ in first })
        }
    }

    /// How this process is, for its parent.
    ///
    /// - Parameter port: that of its probes.
    package func report(port: Int) -> ProcessReport {
        ProcessReport(
            port: port, ready: isReady, trouble: trouble,
            residentBytes: ProcessMetrics.residentBytes().map { Int64($0) } ?? 0,
            claimedAge: claimedAge.map { $0 / .seconds(1) }, lanes: laneReports)
    }

    /// How old the orders of the latest claim were when it began, if that was in the last five seconds, and so about how
    /// old the next ones in the queue are. Only ids that carry their time count.
    package var claimedAge: Duration? {
        let latest = state.withLock { $0.claimedAge }
        guard let latest, .now - latest.at < .seconds(5) else { return nil }
        return latest.age + (.now - latest.at)
    }

    /// Keeps the age of the oldest of these for ``claimedAge``.
    func noteAge(of items: [ClaimItem]) {
        let now = Date().timeIntervalSince1970
        var oldest: TimeInterval?
        for item in items {
            guard case .order = item.form, let made = item.id.timeOfMaking else { continue }
            oldest = max(oldest ?? 0, now - made)
        }
        // Older ones were made for another time than they were sent, or by a clock that is wrong.
        guard let oldest, oldest < 86_400 else { return }
        state.withLock { $0.claimedAge = (.seconds(oldest), .now) }
    }

    /// Takes no more work and returns when the last running job has ended and its end is written, however long that
    /// takes. What was delivered and not claimed goes back to the broker at once.
    package func retire() async {
        logger.info("taking no more work; running jobs go on to their end", metadata: ["running": "\(running)"])
        state.withLock { state in
            state.isStopping = true
            for index in state.lanes.indices { state.lanes[index].waiting.removeAll() }
        }
        let subscriptions = subscriptions.withLock { $0 }
        for subscription in subscriptions {
            // A broker that is away delivers nothing anyway.
            try? await subscription.pause()
        }
        // A claim under way acknowledges on the same channel.
        await waits { $0.hasClaims }
        for subscription in subscriptions { await subscription.close() }
        await waits { !$0.isIdle }
    }

    private func waits(while condition: (PoolState) -> Bool) async {
        while !Task.isCancelled, state.withLock({ condition($0) }) {
            wakeFinishes()
            // Cancelled: the loop's condition ends it.
            try? await Task.sleep(for: .milliseconds(20))
        }
    }
}

extension UUID {
    /// Seconds since 1970 at which an id of version 7 was made; nil for others.
    var timeOfMaking: TimeInterval? {
        guard uuid.6 >> 4 == 7 else { return nil }
        let bytes = [uuid.0, uuid.1, uuid.2, uuid.3, uuid.4, uuid.5]
        return TimeInterval(bytes.reduce(into: UInt64(0)) { $0 = $0 << 8 | UInt64($1) }) / 1000
    }
}
