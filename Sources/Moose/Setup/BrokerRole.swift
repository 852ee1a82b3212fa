internal import AMQP
internal import ArgumentParser
internal import Messaging

/// Who uses the broker, and what of it: the table of docs/rights.md.
enum BrokerRole: String, CaseIterable, ExpressibleByArgument {
    case worker
    case clientManager = "client-manager"
    case missionControl = "mission-control"
    case publisher
    case redriver

    func rights(lanes: some Sequence<String>) -> [BrokerRight] {
        let orders = BrokerRight.write(exchange: MooseTopology.workExchange)
        let events = BrokerRight.write(exchange: MooseTopology.eventsExchange)
        // Outcomes go to the queue that a publisher names.
        let replies = BrokerRight.write(exchange: "")
        return switch self {
        case .worker: [orders, events, replies] + lanes.map { .read(queue: MooseTopology.workQueue(lane: $0)) }
        case .clientManager:
            // It registers the orders of lanes that have no worker.
            [orders, events, replies, .read(queue: MooseTopology.escalationsQueue), .read(queue: MooseTopology.dead)]
                + lanes.map { .read(queue: MooseTopology.workQueue(lane: $0)) }
        case .missionControl: [events]
        case .publisher: [orders, events]
        case .redriver: [orders, replies, .read(queue: MooseTopology.dead)]
        }
    }
}
