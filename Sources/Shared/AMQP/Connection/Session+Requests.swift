internal import CRabbitMQ

/// The requests Moose makes of a broker, each with its answer.
extension Session {
    func openChannel(_ channel: UInt16, canAbandon: Bool = false) throws(AMQPError) {
        try unsafe call(
            AMQP_CHANNEL_OPEN_METHOD, channel: channel, replies: [AMQP_CHANNEL_OPEN_OK_METHOD], name: "channel.open",
            canAbandon: canAbandon
        ) { _ in unsafe amqp_channel_open_t() }
    }

    func closeChannel(_ channel: UInt16, canAbandon: Bool = false) throws(AMQPError) {
        try unsafe call(
            AMQP_CHANNEL_CLOSE_METHOD, channel: channel, replies: [AMQP_CHANNEL_CLOSE_OK_METHOD],
            name: "channel.close", canAbandon: canAbandon
        ) { arena in
            var close = unsafe amqp_channel_close_t()
            unsafe close.reply_code = UInt16(AMQP_REPLY_SUCCESS)
            unsafe close.reply_text = arena.bytes("done")
            return unsafe close
        }
    }

    func selectConfirms(_ channel: UInt16) throws(AMQPError) {
        try call(
            AMQP_CONFIRM_SELECT_METHOD, channel: channel, replies: [AMQP_CONFIRM_SELECT_OK_METHOD],
            name: "confirm.select"
        ) { _ in amqp_confirm_select_t() }
    }

    func setPrefetch(_ count: Int, channel: UInt16) throws(AMQPError) {
        try call(AMQP_BASIC_QOS_METHOD, channel: channel, replies: [AMQP_BASIC_QOS_OK_METHOD], name: "basic.qos") { _ in
            var qos = amqp_basic_qos_t()
            qos.prefetch_count = UInt16(clamping: max(1, count))
            return qos
        }
    }

    func consume(_ queue: String, consumerTag: String, channel: UInt16) throws(AMQPError) {
        try unsafe call(
            AMQP_BASIC_CONSUME_METHOD, channel: channel, replies: [AMQP_BASIC_CONSUME_OK_METHOD], name: queue
        ) { arena in
            var consume = unsafe amqp_basic_consume_t()
            unsafe consume.queue = arena.bytes(queue)
            unsafe consume.consumer_tag = arena.bytes(consumerTag)
            return unsafe consume
        }
    }

    func cancelConsumer(_ consumerTag: String, channel: UInt16) throws(AMQPError) {
        try unsafe call(
            AMQP_BASIC_CANCEL_METHOD, channel: channel, replies: [AMQP_BASIC_CANCEL_OK_METHOD], name: "basic.cancel"
        ) { arena in
            var cancel = unsafe amqp_basic_cancel_t()
            unsafe cancel.consumer_tag = arena.bytes(consumerTag)
            return unsafe cancel
        }
    }

    /// - Throws: ``AMQPError/notFound(_:)`` when there is no such queue.
    func inspectQueue(_ name: String, channel: UInt16) throws(AMQPError) -> (messages: Int, consumers: Int) {
        let declaration = Topology.QueueDeclaration(name: name)
        let answer = try declareQueue(declaration, passive: true, channel: channel)
        guard case .queueDeclared(let messages, let consumers) = answer else { return (0, 0) }
        return (messages, consumers)
    }

    /// - Throws: ``AMQPError/notFound(_:)`` when there is no such exchange.
    func findExchange(_ name: String, channel: UInt16) throws(AMQPError) {
        try declareExchange(Topology.ExchangeDeclaration(name: name, kind: ""), passive: true, channel: channel)
    }

    /// Deletes a queue with its messages; one that isn't there is no error.
    func deleteQueue(_ name: String, channel: UInt16) throws(AMQPError) {
        try unsafe call(
            AMQP_QUEUE_DELETE_METHOD, channel: channel, replies: [AMQP_QUEUE_DELETE_OK_METHOD], name: name,
            canAbandon: true
        ) { arena in
            var delete = unsafe amqp_queue_delete_t()
            unsafe delete.queue = arena.bytes(name)
            return unsafe delete
        }
    }

    /// Declares everything on one channel, which is closed by the broker when this throws a refusal.
    func declare(_ topology: Topology, channel: UInt16) throws(AMQPError) {
        for exchange in topology.exchanges { try declareExchange(exchange, passive: false, channel: channel) }
        for queue in topology.queues { _ = try declareQueue(queue, passive: false, channel: channel) }
        for binding in topology.bindings { try bind(binding, channel: channel) }
    }

    private func declareExchange(
        _ exchange: Topology.ExchangeDeclaration, passive: Bool, channel: UInt16
    ) throws(AMQPError) {
        try unsafe call(
            AMQP_EXCHANGE_DECLARE_METHOD, channel: channel, replies: [AMQP_EXCHANGE_DECLARE_OK_METHOD],
            name: exchange.name, canAbandon: true
        ) { arena in
            var declare = unsafe amqp_exchange_declare_t()
            unsafe declare.exchange = arena.bytes(exchange.name)
            unsafe declare.type = arena.bytes(exchange.kind)
            unsafe declare.passive = passive ? 1 : 0
            unsafe declare.durable = exchange.durable ? 1 : 0
            unsafe declare.arguments = arena.table(exchange.arguments)
            return unsafe declare
        }
    }

    private func declareQueue(
        _ queue: Topology.QueueDeclaration, passive: Bool, channel: UInt16
    ) throws(AMQPError) -> InboundFrame {
        try unsafe call(
            AMQP_QUEUE_DECLARE_METHOD, channel: channel, replies: [AMQP_QUEUE_DECLARE_OK_METHOD], name: queue.name,
            canAbandon: true
        ) { arena in
            var declare = unsafe amqp_queue_declare_t()
            unsafe declare.queue = arena.bytes(queue.name)
            unsafe declare.passive = passive ? 1 : 0
            unsafe declare.durable = queue.durable ? 1 : 0
            unsafe declare.exclusive = queue.exclusive ? 1 : 0
            unsafe declare.auto_delete = queue.autoDelete ? 1 : 0
            unsafe declare.arguments = arena.table(queue.arguments)
            return unsafe declare
        }
    }

    private func bind(_ binding: Topology.Binding, channel: UInt16) throws(AMQPError) {
        try unsafe call(
            AMQP_QUEUE_BIND_METHOD, channel: channel, replies: [AMQP_QUEUE_BIND_OK_METHOD], name: binding.queue,
            canAbandon: true
        ) { arena in
            var bind = unsafe amqp_queue_bind_t()
            unsafe bind.queue = arena.bytes(binding.queue)
            unsafe bind.exchange = arena.bytes(binding.exchange)
            unsafe bind.routing_key = arena.bytes(binding.routingKey)
            return unsafe bind
        }
    }
}

extension Session {
    /// Runs requests on a channel of their own, so that a refusal closes nothing else.
    func onTemporaryChannel<T>(_ body: (UInt16) throws(AMQPError) -> T) throws(AMQPError) -> T {
        if let blockedReason { throw .blocked(reason: blockedReason) }
        let channel = nextTemporaryChannel()
        try openChannel(channel, canAbandon: true)
        let result = try body(channel)
        try closeChannel(channel, canAbandon: true)
        return result
    }
}
