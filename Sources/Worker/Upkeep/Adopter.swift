internal import AMQP
internal import FoundationEssentials
internal import Logging
internal import Messaging
internal import Reporting
internal import Store

/// Takes due orders that workers without their kind have parked, where this one has the kind and a free slot: in a rolling
/// deploy a doorbell may find the old workers again and again.
struct Adopter: Sendable {
    let configuration: WorkerConfiguration
    let kinds: [String]
    let store: Store
    let board: PoolBoard
    let reporter: Reporter
    let logger: Logger

    func run() async {
        let repeating = Repeating(
            "adopt", every: configuration.adoption, problem: "parked work was not looked at", reporter: reporter)
        await repeating.runPaced {
            let lanes = board.look(\.lanesWithSlots)
            guard !lanes.isEmpty else { return nil }
            // No more than has a slot soon: what waits for one is parked again.
            let limit = lanes.values.reduce(0) { $0 + configuration.lanes[$1].slots }
            let parked = try await store.parkedUnknown(kinds: kinds, lanes: lanes.keys.sorted(), limit: limit)
            guard !parked.isEmpty else { return nil }
            logger.debug("taking parked work of a kind others don't know", metadata: ["orders": "\(parked.count)"])
            for (id, lane) in parked {
                guard let index = lanes[lane] else { continue }
                _ = board.change { $0.arrive([.ownDoorbell(id)], lane: index, at: .now) { _ in false } }
            }
            // There may be more.
            return parked.count == limit ? min(configuration.adoption, .milliseconds(250)) : nil
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
