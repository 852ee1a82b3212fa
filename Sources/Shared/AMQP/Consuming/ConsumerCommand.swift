/// What other threads ask of a consumer's thread; a number names the subscription.
enum ConsumerCommand: Sendable {
    case connect(Reply<Void>)
    case subscribe(queue: String, prefetch: Int, Reply<AMQPSubscription>)
    case acknowledge(Int, [DeliveryTag])
    case reject(Int, DeliveryTag, requeue: Bool)
    case pause(Int, Reply<Void>)
    case giveBack(Int, Reply<Void>)
    case resume(Int, prefetch: Int, Reply<Void>)
    case unsubscribe(Int, Reply<Void>)
    case close(Reply<Void>?)
}
