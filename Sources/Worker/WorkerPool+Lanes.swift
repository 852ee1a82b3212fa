internal import AMQP
internal import Logging
internal import Reporting
internal import Store
internal import Synchronization

extension WorkerPool {
    /// At once and each second: what an operator set for the lanes, and a ring for orders that have room at their gates now.
    func followLanes() async {
        await lookAtLanes()
        await every(.seconds(1)) {
            await self.lookAtLanes()
            do {
                let woken = try await self.control.wakeGates()
                if woken > 0 { self.logger.debug("room for held work", metadata: ["work_orders": "\(woken)"]) }
            } catch {
                self.reporter.report("wake", "nobody was woken at the gates", error: error)
            }
        }
    }

    /// Takes over pauses and weights of this worker's lanes now. What a claim may start doesn't hang on it: the claim
    /// judges pauses itself; this keeps the messages of a paused lane in the broker.
    func lookAtLanes() async {
        let states: [LaneState]
        do {
            states = try await control.lanes()
        } catch {
            reporter.report("lanes", "the lanes were not looked at", error: error)
            return
        }
        for (index, lane) in configuration.lanes.enumerated() {
            let set = states.first { $0.name == lane.name }
            let isHeld = set?.isPaused ?? false
            let changed = state.withLock { state in
                state.lanes[index].weight = set?.weight ?? lane.weight
                defer { state.lanes[index].isHeld = isHeld }
                return state.lanes[index].isHeld != isHeld
            }
            if changed {
                logger.info(isHeld ? "lane paused" : "lane resumed", metadata: ["lane": "\(lane.name)"])
            }
            if isHeld { await pauseConsumer(lane: index) }
        }
        await resumePaused()
    }

    /// Stops deliveries of a lane; nothing where they are stopped already.
    func pauseConsumer(lane: Int) async {
        guard !state.withLock({ $0.lanes[lane].isPaused }) else { return }
        do {
            try await subscriptions.withLock { $0[lane] }.pause()
            state.withLock { $0.lanes[lane].isPaused = true }
        } catch {
            // Without a broker nothing more is delivered; the next tick looks again.
            reporter.report("consume", "the consumer was not paused", error: error)
        }
    }
}
