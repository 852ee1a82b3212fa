internal import DequeModule
internal import IOThread
internal import Logging

/// The publisher's thread: keeps a window of unconfirmed messages full, and every batch informed.
final class PublisherLoop {
    typealias Instant = ContinuousClock.Instant

    /// One message of one batch.
    private struct Slot {
        let batch: PublishBatch
        let index: Int
        var message: OutgoingMessage { batch.messages[index] }
    }

    private static let channel: UInt16 = 1
    /// Encoded bytes that may wait for the socket before no more messages are encoded.
    private static let highWater = 1 << 18

    private let mailbox: Mailbox<PublisherCommand>
    private let link: Link
    private var topology: TopologyKeeper
    private let window: Int
    private let logger: Logger?

    private var batches: [UInt64: PublishBatch] = [:]
    private var unsent: Deque<Slot> = []
    private var inFlight = ConfirmWindow<Slot>()
    private var assembler: DeliveryAssembler<InboundFrame.ReturnOpening>
    private var delayed: [(due: Instant, slots: [Slot])] = []
    private var nackBackoff = Backoff()
    private var reopenBackoff = Backoff()
    /// Nil while the channel is open.
    private var reopenAt: Instant?
    private var nextExpiry: Instant?

    init(
        mailbox: Mailbox<PublisherCommand>, link: Link, topology: Topology?, window: Int, logger: Logger?
    ) {
        self.mailbox = mailbox
        self.link = link
        assembler = DeliveryAssembler(limit: .max)
        self.topology = TopologyKeeper(topology, logger: logger)
        self.window = window
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
            if !batches.isEmpty { link.want() }
            let patience = nextExpiry.map { $0 - .now }
            if link.connectIfDue(patience: patience, prepare: prepare) { reopenAt = nil }
            if let session = link.session {
                do throws(AMQPError) { try turn(session) } catch { lose(error) }
            } else {
                idle()
            }
            expire()
        }
    }

    private func turn(_ session: Session) throws(AMQPError) {
        if let failure = session.failure { throw failure }
        try reopenChannelIfDue(session)
        releaseDelayed()
        fill(session)
        try session.exchange(until: nextWake(), waking: mailbox.fileDescriptor)
        for event in session.takeEvents() where event.channel == Self.channel { receive(event.frame) }
    }

    private func idle() {
        var poll = PollSet()
        poll.add(mailbox.fileDescriptor, .readable)
        poll.wait(until: [nextExpiry, link.deadline].compactMap(\.self).min())
    }

    private func nextWake() -> Instant? {
        let released = link.session?.blockedReason == nil ? delayed.map(\.due).min() : nil
        return [nextExpiry, released, reopenAt].compactMap(\.self).min()
    }

    private func prepare(_ session: Session) throws(AMQPError) {
        try topology.prepare(session)
        try session.openChannel(Self.channel)
        try session.selectConfirms(Self.channel)
    }

    private func handle(_ command: PublisherCommand) {
        switch command {
        case .connect(let reply): link.connect(reply)
        case .publish(let id, let messages, let deadline, let reply):
            let batch = PublishBatch(id: id, messages: messages, deadline: deadline, reply: reply)
            batches[id] = batch
            nextExpiry = min(nextExpiry ?? deadline, deadline)
            for index in messages.indices { unsent.append(Slot(batch: batch, index: index)) }
        case .abandon(let id):
            batches.removeValue(forKey: id)?.refuse(.cancelled)
            unsent.removeAll { $0.batch.isOver }
        case .inspect(let queue, let reply): reply.resolve(inspect(queue))
        case .find(let exchange, let reply): reply.resolve(find(exchange))
        case .check(let right, let reply):
            reply.resolve(request { session, _ throws(AMQPError) in try session.refusal(of: right) })
        case .declare(let topology, let reply):
            reply.resolve(
                request { session, channel throws(AMQPError) in try session.declare(topology, channel: channel) })
        case .delete(let queue, let reply):
            reply.resolve(
                request { session, channel throws(AMQPError) in try session.deleteQueue(queue, channel: channel) })
        case .close(let reply): reply?.succeed()
        }
    }

    private func inspect(_ queue: String) -> Result<QueueFigures?, AMQPError> {
        let result = request { session, channel throws(AMQPError) -> QueueFigures? in
            let (messages, consumers) = try session.inspectQueue(queue, channel: channel)
            return QueueFigures(messages: messages, consumers: consumers)
        }
        if case .failure(.notFound) = result { return .success(nil) }
        return result
    }

    private func find(_ exchange: String) -> Result<Bool, AMQPError> {
        let result = request { session, channel throws(AMQPError) in
            try session.findExchange(exchange, channel: channel)
            return true
        }
        if case .failure(.notFound) = result { return .success(false) }
        return result
    }

    private func request<T>(
        _ body: (Session, UInt16) throws(AMQPError) -> T
    ) -> Result<T, AMQPError> {
        guard let session = link.session, session.failure == nil else { return .failure(link.absence) }
        do throws(AMQPError) {
            return .success(
                try session.onTemporaryChannel { channel throws(AMQPError) in try body(session, channel) })
        } catch {
            return .failure(error)
        }
    }

    private func fill(_ session: Session) {
        guard reopenAt == nil, session.blockedReason == nil else { return }
        // A full window is refilled by the handful, not message by message as confirms trickle in: each refill is a
        // system call here and a wake-up of the broker.
        guard window - inFlight.count >= min(unsent.count, max(1, window / 8)) else { return }
        while inFlight.count < window, session.writer.pendingBytes < Self.highWater, let slot = unsent.popFirst() {
            if slot.batch.isOver { continue }
            guard session.writer.publish(slot.message, channel: Self.channel) else {
                let reason = "its properties do not fit into one frame"
                batches.removeValue(forKey: slot.batch.id)?.refuse(.invalidMessage(index: slot.index, reason: reason))
                continue
            }
            slot.batch.sent(slot.index)
            inFlight.append(slot)
        }
    }

    private func receive(_ frame: InboundFrame) {
        switch frame {
        case .confirm(let sequence, let multiple, true):
            nackBackoff.succeeded()
            reopenBackoff.succeeded()
            inFlight.settle(sequence, multiple: multiple) { slot in
                slot.batch.confirmed(slot.index)
                if slot.batch.isOver { batches.removeValue(forKey: slot.batch.id) }
            }
        case .confirm(let sequence, let multiple, false):
            var refused: [Slot] = []
            inFlight.settle(sequence, multiple: multiple) { slot in
                slot.batch.nacked(slot.index)
                refused.append(slot)
            }
            delay(refused)
        case .returned(let opening): assembler.open(opening)
        case .header(let size, let properties):
            if let content = assembler.header(bodySize: size, properties: properties) { returned(content) }
        case .body(let bytes): if let content = assembler.body(bytes) { returned(content) }
        case .channelClosed(let code, let text): channelClosed(code: code, text: text)
        default: logger?.debug("an unexpected frame on the publishing channel")
        }
    }

    private func returned(_ content: DeliveryAssembler<InboundFrame.ReturnOpening>.Content) {
        let messageID = content.properties.readable.messageID
        _ = inFlight.outstanding.first { slot in
            slot.batch.returned(
                slot.index, content.opening, messageID: messageID, body: content.body)
        }
    }

    /// A refusal for what a message names fails its batch; the others of the channel go out again.
    private func channelClosed(code: Int, text: String) {
        logger?.warning("the broker closed the publishing channel", metadata: ["code": "\(code)", "why": "\(text)"])
        assembler = DeliveryAssembler(limit: .max)
        let slots = inFlight.reset()
        let error = AMQPError.from(
            code: code, text: text, name: AMQPError.publishing, virtualHost: link.configuration.virtualHost)
        for slot in slots where !slot.batch.isOver && isBlamed(slot.message, in: text) {
            batches.removeValue(forKey: slot.batch.id)?.refuse(error)
        }
        resend(slots)
        reopenAt = .now + reopenBackoff.failed()
    }

    /// The broker doesn't say which message it means, only what was wrong with it.
    private func isBlamed(_ message: OutgoingMessage, in text: String) -> Bool {
        message.isExchange(namedIn: text) || text.contains("message size \(message.body.count) ")
            // This one is no queue's name but asks for a consumer of the publisher's own channel.
            || text.contains("fast reply consumer") && message.properties.replyTo == "amq.rabbitmq.reply-to"
    }

    private func reopenChannelIfDue(_ session: Session) throws(AMQPError) {
        guard let due = reopenAt, due <= .now else { return }
        try session.openChannel(Self.channel)
        try session.selectConfirms(Self.channel)
        reopenAt = nil
    }

    private func delay(_ slots: [Slot]) {
        guard !slots.isEmpty else { return }
        delayed.append((.now + nackBackoff.failed(), slots))
    }

    private func releaseDelayed() {
        guard !delayed.isEmpty else { return }
        let now = Instant.now
        for (_, slots) in delayed.filter({ $0.due <= now }) { for slot in slots { unsent.append(slot) } }
        delayed.removeAll { $0.due <= now }
    }

    private func resend(_ slots: [Slot]) {
        let open = slots.filter { !$0.batch.isOver }
        for slot in open { slot.batch.unsent(slot.index) }
        unsent.prepend(contentsOf: open)
    }

    private func lose(_ error: AMQPError) {
        link.lose(error)
        assembler = DeliveryAssembler(limit: .max)
        resend(inFlight.reset())
    }

    private func expire() {
        guard let due = nextExpiry, due <= .now else { return }
        let now = Instant.now
        for (id, batch) in batches where batch.deadline <= now {
            batches.removeValue(forKey: id)
            batch.giveUp(obstacle)
        }
        unsent.removeAll { $0.batch.isOver }
        nextExpiry = batches.values.map(\.deadline).min()
    }

    private var obstacle: AMQPError {
        guard let session = link.session else { return link.absence }
        if let reason = session.blockedReason { return .blocked(reason: reason) }
        return .timeout(operation: "publisher confirm")
    }

    private func close() {
        link.close()
        for batch in batches.values { batch.giveUp(.closed) }
        batches = [:]
        for command in mailbox.close() {
            switch command {
            case .connect(let reply), .declare(_, let reply), .delete(_, let reply), .publish(_, _, _, let reply):
                reply.fail(.closed)
            case .inspect(_, let reply): reply.fail(.closed)
            case .find(_, let reply): reply.fail(.closed)
            case .check(_, let reply): reply.fail(.closed)
            case .close(let reply): reply?.succeed()
            case .abandon: break
            }
        }
    }
}
