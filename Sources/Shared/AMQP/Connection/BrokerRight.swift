internal import CRabbitMQ

/// What a user may be asked to have on the broker, and how to find out without moving a message.
package enum BrokerRight: Sendable, Hashable {
    /// To publish to an exchange; the default exchange has no name.
    case write(exchange: String)
    /// To consume from a queue.
    case read(queue: String)
}

extension Session {
    /// - Returns: nil when the user has the right, else the broker's words.
    /// - Throws: ``AMQPError/notFound(_:)`` when there is no such exchange or queue.
    func refusal(of right: BrokerRight) throws(AMQPError) -> String? {
        do throws(AMQPError) {
            try onTemporaryChannel { channel throws(AMQPError) in
                switch right {
                case .write(let exchange): try tryToPublish(to: exchange, channel: channel)
                case .read(let queue): try tryToConsume(queue, channel: channel)
                }
            }
        } catch {
            switch error {
            case .accessRefused(let text): return text
            // The permission is looked at first: only the flaw was left to complain of.
            case .preconditionFailed: return nil
            default: throw error
            }
        }
        return nil
    }

    /// With a flaw that the broker notices after the permission and before it takes the message.
    private func tryToPublish(to exchange: String, channel: UInt16) throws(AMQPError) {
        var message = OutgoingMessage(exchange: exchange, routingKey: "moose.doctor", body: [])
        message.properties.expiration = "never"
        _ = writer.publish(message, channel: channel)
        // Answered only if the broker has closed nothing by then.
        try closeChannel(channel, canAbandon: true)
        try openChannel(channel, canAbandon: true)
    }

    /// As ``tryToPublish(to:channel:)``: no delivery is ever begun.
    private func tryToConsume(_ queue: String, channel: UInt16) throws(AMQPError) {
        try unsafe call(
            AMQP_BASIC_CONSUME_METHOD, channel: channel, replies: [AMQP_BASIC_CONSUME_OK_METHOD], name: queue,
            canAbandon: true
        ) { arena in
            var consume = unsafe amqp_basic_consume_t()
            unsafe consume.queue = arena.bytes(queue)
            unsafe consume.arguments = arena.table(["x-priority": "none"])
            return unsafe consume
        }
    }
}
