internal import CRabbitMQ

/// Copies frames out of the library's memory, which is reused after each.
enum FrameDecoder {
    /// - Returns: nil for a kind of frame that AMQP 0-9-1 does not have.
    static func decode(_ frame: amqp_frame_t) -> InboundFrame? {
        switch Int32(unsafe frame.frame_type) {
        case AMQP_FRAME_METHOD: return unsafe method(frame.payload.method)
        case AMQP_FRAME_HEADER:
            let properties = unsafe frame.payload.properties
            let size = unsafe Int(clamping: properties.body_size)
            return unsafe .header(bodySize: size, WireProperties(bytes: Array(properties.raw)))
        case AMQP_FRAME_BODY: return unsafe .body(Array(frame.payload.body_fragment))
        case AMQP_FRAME_HEARTBEAT: return .heartbeat
        default: return nil
        }
    }

    static func method(_ method: amqp_method_t) -> InboundFrame {
        let id = unsafe method.id
        guard let decoded = unsafe method.decoded else { return .method(id) }
        switch id {
        case AMQP_BASIC_DELIVER_METHOD:
            let it = unsafe decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee
            return unsafe .deliver(
                .init(
                    consumerTag: String(it.consumer_tag), tag: it.delivery_tag, redelivered: it.redelivered != 0,
                    exchange: String(it.exchange), routingKey: String(it.routing_key)))
        case AMQP_BASIC_ACK_METHOD:
            let it = unsafe decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
            return .confirm(sequence: it.delivery_tag, multiple: it.multiple != 0, isAck: true)
        case AMQP_BASIC_NACK_METHOD:
            let it = unsafe decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
            return .confirm(sequence: it.delivery_tag, multiple: it.multiple != 0, isAck: false)
        case AMQP_BASIC_RETURN_METHOD:
            let it = unsafe decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee
            return unsafe .returned(
                .init(
                    code: Int(it.reply_code), text: String(it.reply_text), exchange: String(it.exchange),
                    routingKey: String(it.routing_key)))
        case AMQP_BASIC_CANCEL_METHOD:
            let it = unsafe decoded.assumingMemoryBound(to: amqp_basic_cancel_t.self).pointee
            return unsafe .consumerCancelled(consumerTag: String(it.consumer_tag), wantsAnswer: it.nowait == 0)
        case AMQP_CHANNEL_CLOSE_METHOD:
            let it = unsafe decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            return unsafe .channelClosed(code: Int(it.reply_code), text: String(it.reply_text))
        case AMQP_CONNECTION_CLOSE_METHOD:
            let it = unsafe decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            return unsafe .connectionClosed(code: Int(it.reply_code), text: String(it.reply_text))
        case AMQP_CONNECTION_BLOCKED_METHOD:
            let it = unsafe decoded.assumingMemoryBound(to: amqp_connection_blocked_t.self).pointee
            return unsafe .blocked(reason: String(it.reason))
        case AMQP_CONNECTION_UNBLOCKED_METHOD: return .unblocked
        case AMQP_QUEUE_DECLARE_OK_METHOD:
            let it = unsafe decoded.assumingMemoryBound(to: amqp_queue_declare_ok_t.self).pointee
            return unsafe .queueDeclared(messages: Int(it.message_count), consumers: Int(it.consumer_count))
        default: return .method(id)
        }
    }
}
