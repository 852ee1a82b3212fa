/// What other threads ask of a publisher's thread.
enum PublisherCommand: Sendable {
    case connect(Reply<Void>)
    case publish(id: UInt64, [OutgoingMessage], deadline: ContinuousClock.Instant, Reply<Void>)
    case abandon(id: UInt64)
    case inspect(queue: String, Reply<QueueFigures?>)
    case find(exchange: String, Reply<Bool>)
    case check(BrokerRight, Reply<String?>)
    case declare(Topology, Reply<Void>)
    case delete(queue: String, Reply<Void>)
    case close(Reply<Void>?)
}

/// What a passive declaration tells of a queue.
struct QueueFigures: Sendable {
    var messages: Int
    var consumers: Int
}
