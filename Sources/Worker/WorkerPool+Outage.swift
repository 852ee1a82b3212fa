internal import AMQP
internal import CoreMetrics
internal import DequeModule
internal import FoundationEssentials
internal import Logging
internal import Postgres
internal import Reporting
internal import Store
internal import Synchronization
internal import Telemetry

extension WorkerPool {
    /// What the database last said, while it can't be reached; nil while it answers. Known without asking it.
    var databaseTrouble: String? {
        if let trouble = state.withLock({ $0.databaseTrouble }) { return trouble }
        let status = store.postgres.status()
        return status.isHealthy ? nil : status.lastFailure.map { "\($0)" } ?? "the database is not connected"
    }

    /// Stops the intake while the database is away and starts it again by itself. Claims and ends that are under way
    /// wait on their own; nothing runs unbudgeted.
    func watchDatabase() async {
        var watch = DatabaseWatch(
            patience: configuration.patience, giveBackAfter: configuration.giveBackAfter)
        while !Task.isCancelled {
            let trouble = databaseTrouble
            switch watch.look(isAway: trouble != nil, at: .now) {
            case .nothing: break
            case .stopIntake: await stopIntake(because: trouble ?? "")
            case .giveBack: await giveBack(because: "the database is still away")
            case .resume:
                logger.info("the database answers; consuming again")
                metrics.databaseAway.set(Int64(0))
                state.withLock { $0.isIntakeStopped = false }
                await resumePaused()
            }
            // Cancelled: the loop's condition ends it.
            try? await Task.sleep(for: .milliseconds(250))
        }
    }

    private func stopIntake(because trouble: String) async {
        logger.error(
            "the database is away; nothing new is taken from the broker until it answers",
            metadata: ["error": "\(trouble)"])
        metrics.databaseAway.set(Int64(1))
        state.withLock { $0.isIntakeStopped = true }
        await pauseAll()
    }

    /// Pauses every lane's consumer; ``resumePaused()`` is the way back.
    func pauseAll() async {
        state.withLock { state in
            for index in state.lanes.indices { state.lanes[index].isPaused = true }
        }
        for subscription in subscriptions.withLock({ $0 }) {
            do {
                try await subscription.pause()
            } catch {
                reporter.report("consume", "the consumer was not paused", error: error)
            }
        }
    }

    /// Returns what is unclaimed, once each. A claim that was sent and not answered goes on asking: it may have been
    /// granted. Whoever else gets its message meets the lease.
    func giveBack(because trouble: String) async {
        for subscription in subscriptions.withLock({ $0 }) {
            do {
                try await subscription.giveBack()
            } catch {
                reporter.report("consume", "deliveries were not given back", error: error)
            }
        }
        let count = state.withLock { state in
            var count = state.suspects.count
            state.suspects.removeAll()
            for index in state.lanes.indices {
                count += state.lanes[index].waiting.count
                state.lanes[index].waiting.removeAll()
            }
            return count
        }
        logger.error(
            "\(trouble); unclaimed deliveries went back to the queue",
            metadata: ["deliveries": "\(count)"])
    }
}
