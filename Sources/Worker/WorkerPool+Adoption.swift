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
        var pause = configuration.adoption
        while !Task.isCancelled {
            // Cancelled: the loop's condition ends it.
            try? await Task.sleep(for: pause)
            pause = configuration.adoption
            let lanes = lanesWithSlots()
            guard !lanes.isEmpty, !Task.isCancelled else { continue }
            // No more than has a slot soon: what waits for one is parked again.
            let limit = lanes.values.reduce(0) { $0 + configuration.lanes[$1].slots }
            do {
                let parked = try await control.parkedUnknown(kinds: kinds, lanes: lanes.keys.sorted(), limit: limit)
                guard !parked.isEmpty else { continue }
                // There may be more.
                if parked.count == limit { pause = min(pause, .milliseconds(250)) }
                logger.debug("taking parked work of a kind others don't know", metadata: ["orders": "\(parked.count)"])
                state.withLock { state in
                    for (id, lane) in parked {
                        guard let index = lanes[lane] else { continue }
                        state.lanes[index].waiting.append(.init(delivery: .ownDoorbell(id), since: .now))
                    }
                }
                wakeClaims()
            } catch {
                reporter.report("adopt", "parked work was not looked at", error: error)
            }
        }
    }

    /// Where something more could start at once, by name.
    private func lanesWithSlots() -> [String: Int] {
        state.withLock { state in
            guard !state.isStopping, !state.isIntakeStopped, state.host.trouble == nil else { return [:] }
            return state.lanes.indices.reduce(into: [:]) { lanes, index in
                let lane = state.lanes[index]
                if lane.free > lane.waiting.count { lanes[lane.name] = index }
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
