package import AMQP

/// The exchanges and queues of Moose on the broker. The same declarations work on RabbitMQ 3.10 up to 4.x.
package enum MooseTopology {
    /// Topic exchange; routing key = lane.
    package static let workExchange = "moose.work"
    /// Topic exchange; `error.<severity>.<component>` and `work_order.<state>`.
    package static let eventsExchange = "moose.events"
    /// Fanout exchange and its queue: what the broker gave up on, and what no lane took.
    package static let dead = "moose.dead"
    /// All of Moose's own.
    package static let exchanges: Set<String> = [workExchange, eventsExchange, dead]
    /// Error events, drained by the Client Manager.
    package static let escalationsQueue = "moose.escalations"

    /// The queue of a lane.
    package static func workQueue(lane: String) -> String { "moose.work.\(lane)" }

    /// Everything, in the order it must be declared: a dead-letter queue stands before what dead-letters into it, or
    /// the broker drops messages silently.
    package static func topology(lanes: some Sequence<String>) -> Topology {
        let lanes = lanes.sorted()
        return Topology(
            exchanges: [
                .init(name: dead, kind: "fanout"),
                .init(name: workExchange, kind: "topic", arguments: ["alternate-exchange": .string(dead)]),
                .init(name: eventsExchange, kind: "topic"),
            ],
            queues: [
                .init(name: dead, arguments: ["x-queue-type": "quorum", "x-delivery-limit": 1_000_000]),
                .init(name: escalationsQueue, arguments: limited),
            ] + lanes.map { .init(name: workQueue(lane: $0), arguments: limited) },
            bindings: [
                .init(exchange: dead, queue: dead),
                .init(exchange: eventsExchange, queue: escalationsQueue, routingKey: "error.#"),
            ] + lanes.map { .init(exchange: workExchange, queue: workQueue(lane: $0), routingKey: $0) })
    }

    // A positive delivery limit everywhere: -1 throws messages away on 3.x, and without one 4.x takes 20.
    private static let limited: FieldTable = [
        "x-queue-type": "quorum",
        "x-delivery-limit": 1000,
        "x-dead-letter-exchange": .string(dead),
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    ]
}
