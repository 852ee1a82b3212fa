internal import CRabbitMQ
internal import IOThread
internal import Logging

/// The consumer's thread: keeps every subscription consuming that should, hands deliveries out and answers back.
final class ConsumerLoop {
    typealias Instant = ContinuousClock.Instant

    private let mailbox: Mailbox<ConsumerCommand>
    private let link: Link
    private var topology: TopologyKeeper
    private let logger: Logger?
    private var channels: [Int: ConsumerChannel] = [:]

    init(mailbox: Mailbox<ConsumerCommand>, link: Link, topology: Topology?, logger: Logger?) {
        self.mailbox = mailbox
        self.link = link
        self.topology = TopologyKeeper(topology, logger: logger)
        self.logger = logger
    }

    /// Runs until it is told to close.
    func run() {
        while true {
            for command in mailbox.drain() {
                guard case .close(let reply) = command else {
                    handle(command)
                    continue
                }
                close()
                reply?.succeed()
                return
            }
            if link.connectIfDue(patience: nil, prepare: prepare) {
                for channel in channels.values { channel.retryAtOnce() }
            }
            if let session = link.session {
                do throws(AMQPError) { try turn(session) } catch { lose(error) }
            } else {
                idle()
            }
        }
    }

    private func turn(_ session: Session) throws(AMQPError) {
        if let failure = session.failure { throw failure }
        sendAcknowledgements(session)
        try retryConsumers(session)
        // Prefetch counts messages, and they may be large: what is not read yet is the broker's to hold.
        let unsettled = channels.values.reduce(0) { $0 + $1.unsettledBytes }
        try session.exchange(
            until: channels.values.compactMap(\.retryAt).min(), waking: mailbox.fileDescriptor,
            isReading: unsettled <= link.configuration.maxBytesInHand)
        dispatch(session)
    }

    private func idle() {
        var poll = PollSet()
        poll.add(mailbox.fileDescriptor, .readable)
        poll.wait(until: link.deadline)
    }

    private func prepare(_ session: Session) throws(AMQPError) { try topology.prepare(session) }

    private func handle(_ command: ConsumerCommand) {
        switch command {
        case .connect(let reply): link.connect(reply)
        case .subscribe(let queue, let prefetch, let reply): subscribe(queue, prefetch: prefetch, reply)
        case .acknowledge(let id, let tags): channels[id]?.acknowledge(tags)
        case .reject(let id, let tag, let requeue): reject(id, tag, requeue: requeue)
        case .pause(let id, let reply): pause(id, reply)
        case .giveBack(let id, let reply): giveBack(id, reply)
        case .resume(let id, let prefetch, let reply): resume(id, prefetch: prefetch, reply)
        case .unsubscribe(let id, let reply): unsubscribe(id, reply)
        case .close(let reply): reply?.succeed()
        }
    }

    private func subscribe(_ queue: String, prefetch: Int, _ reply: Reply<AMQPSubscription>) {
        guard let session = link.session, session.failure == nil else { return reply.fail(link.absence) }
        guard let id = (1..<Int(Session.firstTemporaryChannel)).first(where: { channels[$0] == nil }) else {
            return reply.fail(.channelClosed(code: 504, text: "a consumer has at most 1023 subscriptions"))
        }
        let (stream, continuation) = AsyncStream.makeStream(of: DeliveryBatch.self)
        let channel = ConsumerChannel(
            id: id, queue: queue, prefetch: prefetch, maxBytes: link.configuration.maxReceivedBytes,
            continuation: continuation)
        do throws(AMQPError) {
            try channel.consume(session)
        } catch {
            return reply.fail(error)
        }
        channels[id] = channel
        reply.succeed(
            AMQPSubscription(queue: queue, id: id, batches: stream, mailbox: mailbox, flag: channel.flag))
    }

    private func pause(_ id: Int, _ reply: Reply<Void>) {
        guard let channel = channels[id] else { return reply.fail(.closed) }
        channel.isWanted = false
        channel.retryAtOnce()
        // Without a session there is nothing to cancel: it just won't consume again.
        guard let session = link.session, session.failure == nil else { return reply.succeed() }
        do throws(AMQPError) {
            try channel.cancel(session)
            dispatch(session)
            reply.succeed()
        } catch {
            // Whatever ended the channel also ended its deliveries: paused all the same.
            reply.succeed()
        }
    }

    private func giveBack(_ id: Int, _ reply: Reply<Void>) {
        guard let channel = channels[id] else { return reply.fail(.closed) }
        channel.isWanted = false
        channel.retryAtOnce()
        if let session = link.session, session.failure == nil, channel.isOpen {
            for acknowledgement in channel.takeAcknowledgements() { send(acknowledgement, channel.number, session) }
            do throws(AMQPError) {
                try session.closeChannel(channel.number)
            } catch {
                // Whatever ended the channel also returned its deliveries.
            }
            dispatch(session)
        }
        channel.closed()
        reply.succeed()
    }

    private func resume(_ id: Int, prefetch: Int, _ reply: Reply<Void>) {
        guard let channel = channels[id] else { return reply.fail(.closed) }
        let isUnchanged = channel.consumerTag != nil && channel.prefetch == prefetch
        channel.isWanted = true
        channel.prefetch = prefetch
        if isUnchanged { return reply.succeed() }
        // Without a session it consumes as soon as there is one.
        guard let session = link.session, session.failure == nil else { return reply.succeed() }
        do throws(AMQPError) {
            try channel.cancel(session)
            try channel.consume(session)
            reply.succeed()
        } catch {
            channel.scheduleRetry()
            reply.fail(error)
        }
    }

    private func unsubscribe(_ id: Int, _ reply: Reply<Void>) {
        guard let channel = channels.removeValue(forKey: id) else { return reply.succeed() }
        if let session = link.session, session.failure == nil, channel.isOpen {
            for acknowledgement in channel.takeAcknowledgements() { send(acknowledgement, channel.number, session) }
            do throws(AMQPError) {
                try session.closeChannel(channel.number)
            } catch {
                // The channel is closed either way; a lost connection is noticed by the next turn.
            }
        }
        channel.finish()
        reply.succeed()
    }

    private func reject(_ id: Int, _ tag: DeliveryTag, requeue: Bool) {
        guard let session = link.session, let channel = channels[id], channel.reject(tag) else { return }
        session.writer.method(AMQP_BASIC_NACK_METHOD, channel: channel.number) { _ in
            var nack = amqp_basic_nack_t()
            nack.delivery_tag = tag.tag
            nack.requeue = requeue ? 1 : 0
            return nack
        }
    }

    private func sendAcknowledgements(_ session: Session) {
        for channel in channels.values {
            for acknowledgement in channel.takeAcknowledgements() { send(acknowledgement, channel.number, session) }
        }
    }

    private func send(_ acknowledgement: AckCoalescer.Acknowledgement, _ channel: UInt16, _ session: Session) {
        session.writer.method(AMQP_BASIC_ACK_METHOD, channel: channel) { _ in
            var ack = amqp_basic_ack_t()
            ack.delivery_tag = acknowledgement.tag
            ack.multiple = acknowledgement.multiple ? 1 : 0
            return ack
        }
    }

    private func retryConsumers(_ session: Session) throws(AMQPError) {
        let now = Instant.now
        for channel in channels.values {
            guard let due = channel.retryAt, due <= now else { continue }
            do throws(AMQPError) {
                try channel.consume(session)
                logger?.info("consuming again", metadata: ["queue": "\(channel.queue)"])
            } catch {
                if let failure = session.failure { throw failure }
                logger?.warning("can't consume", metadata: ["queue": "\(channel.queue)", "why": "\(error)"])
                channel.scheduleRetry()
                if case .notFound = error { try redeclare(session) }
            }
        }
    }

    /// A queue of the topology may have been deleted: without it the lane would stay dead until a restart.
    private func redeclare(_ session: Session) throws(AMQPError) {
        do throws(AMQPError) {
            try topology.ensure(on: session)
        } catch {
            if let failure = session.failure { throw failure }
            logger?.error("the topology could not be declared again", metadata: ["why": "\(error)"])
        }
    }

    private func dispatch(_ session: Session) {
        for event in session.takeEvents() {
            guard let channel = channels[Int(event.channel)] else { continue }
            switch event.frame {
            case .consumerCancelled(let tag, let wantsAnswer):
                if wantsAnswer { answerCancel(tag, channel.number, session) }
                if channel.cancelledByBroker(tag) {
                    logger?.warning("the broker ended the consumer", metadata: ["queue": "\(channel.queue)"])
                }
            case .channelClosed(let code, let text):
                logger?.warning(
                    "the broker closed a consumer's channel; its unsettled deliveries return to the queue",
                    metadata: ["queue": "\(channel.queue)", "code": "\(code)", "why": "\(text)"])
                channel.closed()
                channel.scheduleRetry()
            default: channel.receive(event.frame)
            }
        }
        for channel in channels.values { channel.yieldBatch() }
    }

    private func answerCancel(_ tag: String, _ channel: UInt16, _ session: Session) {
        unsafe session.writer.method(AMQP_BASIC_CANCEL_OK_METHOD, channel: channel) { arena in
            var ok = unsafe amqp_basic_cancel_ok_t()
            unsafe ok.consumer_tag = arena.bytes(tag)
            return unsafe ok
        }
    }

    private func lose(_ error: AMQPError) {
        if let session = link.session { dispatch(session) }
        link.lose(error)
        for channel in channels.values { channel.closed() }
    }

    private func close() {
        if let session = link.session, session.failure == nil { sendAcknowledgements(session) }
        link.close()
        for channel in channels.values { channel.finish() }
        channels = [:]
        for command in mailbox.close() {
            switch command {
            case .connect(let reply): reply.fail(.closed)
            case .subscribe(_, _, let reply): reply.fail(.closed)
            case .pause(_, let reply), .giveBack(_, let reply), .resume(_, _, let reply): reply.fail(.closed)
            case .unsubscribe(_, let reply): reply.succeed()
            case .close(let reply): reply?.succeed()
            case .acknowledge, .reject: break
            }
        }
    }
}
