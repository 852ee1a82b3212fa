/// A frame from the broker, copied out of the library's memory.
enum InboundFrame {
    /// What `basic.deliver` says of the message that follows.
    struct DeliveryOpening: Equatable {
        var consumerTag: String
        var tag: UInt64
        var redelivered: Bool
        var exchange: String
        var routingKey: String
    }

    /// What `basic.return` says of the message that follows.
    struct ReturnOpening: Equatable {
        var code: Int
        var text: String
        var exchange: String
        var routingKey: String
    }

    case deliver(DeliveryOpening)
    case returned(ReturnOpening)
    case header(bodySize: Int, WireProperties)
    case body([UInt8])
    /// A confirm: `isAck` false is a nack.
    case confirm(sequence: UInt64, multiple: Bool, isAck: Bool)
    /// The broker ended a consumer.
    case consumerCancelled(consumerTag: String, wantsAnswer: Bool)
    case channelClosed(code: Int, text: String)
    case connectionClosed(code: Int, text: String)
    case blocked(reason: String)
    case unblocked
    case queueDeclared(messages: Int, consumers: Int)
    case heartbeat
    /// Any other method, by number: mostly the `-ok` of a request.
    case method(UInt32)
}
