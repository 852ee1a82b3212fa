internal import AMQP
internal import DequeModule
internal import FoundationEssentials
internal import Logging
internal import Messaging
internal import Postgres
internal import Reporting
internal import Store
internal import Synchronization

extension WorkerPool {
    /// Takes due orders that workers without their kind have parked, where this one has the kind and a free slot: in a
    /// rolling deploy a doorbell may find the old workers again and again.
    func adoptUnknown() async {
        let kinds = handlers.entries.keys.sorted()
        await every(configuration.adoption) {
            let free = self.state.withLock { state in
                state.isStopping || state.isIntakeStopped
                    ? [:]
                    : state.lanes.indices.reduce(into: [String: Int]()) { free, index in
                        let lane = state.lanes[index]
                        if lane.free > lane.waiting.count { free[lane.name] = index }
                    }
            }
            guard !free.isEmpty else { return }
            do {
                let parked = try await self.control.parkedUnknown(
                    kinds: kinds, lanes: free.keys.sorted(), limit: self.configuration.batch)
                guard !parked.isEmpty else { return }
                self.logger.info(
                    "taking parked work of a kind others don't know", metadata: ["orders": "\(parked.count)"])
                self.state.withLock { state in
                    for (id, lane) in parked {
                        guard let index = free[lane] else { continue }
                        state.lanes[index].waiting.append(.init(delivery: .ownDoorbell(id), since: .now))
                    }
                }
                self.wake()
            } catch {
                self.reporter.report("adopt", "parked work was not looked at", error: error)
            }
        }
    }
}

extension Delivery {
    /// A doorbell that this worker rings for itself. No broker knows it: its tag is of no channel, so acknowledging it
    /// does nothing, and the claim judges it like any other.
    fileprivate static func ownDoorbell(_ id: UUID) -> Delivery {
        var properties = MessageProperties()
        properties.messageID = id.uuidString.lowercased()
        properties.type = MessageType.doorbell
        return Delivery(
            tag: DeliveryTag(epoch: 0, tag: 0), body: [], properties: properties, exchange: "", routingKey: "",
            redelivered: false)
    }
}
