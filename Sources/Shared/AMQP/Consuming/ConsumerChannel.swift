internal import IOThread
internal import Synchronization

/// One subscription as its I/O thread sees it: the channel it has now, if any, and what is unsettled there.
final class ConsumerChannel {
    typealias Instant = ContinuousClock.Instant

    /// Readable by any thread.
    final class ConsumingFlag: Sendable {
        private let flag = Atomic<Bool>(false)
        var isSet: Bool {
            get { flag.load(ordering: .acquiring) }
            set { flag.store(newValue, ordering: .releasing) }
        }
    }

    /// Names the subscription, and its channel on every connection.
    let id: Int
    let queue: String
    let flag = ConsumingFlag()
    private let continuation: AsyncStream<DeliveryBatch>.Continuation
    private let maxBytes: Int
    private var assembler: DeliveryAssembler<InboundFrame.DeliveryOpening>
    private var coalescer = AckCoalescer()
    private var gathered: [Delivery] = []
    /// Of unsettled deliveries: what the large ones hold.
    private var sizes: [UInt64: Int] = [:]
    /// Bytes of large bodies that were handed over and are not settled.
    private(set) var unsettledBytes = 0
    private var backoff = Backoff()
    private var consumers = 0
    private(set) var epoch: UInt32 = 0
    private(set) var isOpen = false
    private(set) var consumerTag: String?
    /// When to try to consume again; nil when that isn't wanted or not needed.
    private(set) var retryAt: Instant?
    /// False while paused.
    var isWanted = true
    var prefetch: Int

    /// - Parameter maxBytes: of a larger body only the beginning is kept.
    init(
        id: Int, queue: String, prefetch: Int, maxBytes: Int,
        continuation: AsyncStream<DeliveryBatch>.Continuation
    ) {
        self.maxBytes = maxBytes
        assembler = DeliveryAssembler(limit: maxBytes)
        self.id = id
        self.queue = queue
        self.prefetch = prefetch
        self.continuation = continuation
    }

    var number: UInt16 { UInt16(id) }

    /// Opens the channel if need be and consumes with a tag never used before: with a used one RabbitMQ 3.10.8 crashes
    /// the channel when deliveries are on their way.
    func consume(_ session: Session) throws(AMQPError) {
        retryAt = nil
        if !isOpen {
            try session.openChannel(number)
            isOpen = true
            epoch += 1
            forgetDeliveries()
        }
        do throws(AMQPError) {
            try session.setPrefetch(prefetch, channel: number)
            consumers += 1
            let tag = "moose-\(id)-\(epoch)-\(consumers)"
            try session.consume(queue, consumerTag: tag, channel: number)
            consumerTag = tag
            flag.isSet = true
            backoff.succeeded()
        } catch {
            closed()
            throw error
        }
    }

    /// Ends the deliveries; those on their way are in the session's events afterwards.
    func cancel(_ session: Session) throws(AMQPError) {
        guard let tag = consumerTag else { return }
        consumerTag = nil
        flag.isSet = false
        do throws(AMQPError) {
            try session.cancelConsumer(tag, channel: number)
        } catch {
            closed()
            throw error
        }
    }

    /// The broker ended the consumer: the queue was deleted or its leader moved.
    /// - Returns: false when it was not the present one.
    func cancelledByBroker(_ tag: String) -> Bool {
        guard tag == consumerTag else { return false }
        consumerTag = nil
        flag.isSet = false
        scheduleRetry()
        return true
    }

    /// The channel or its connection is gone, and with it every unsettled delivery.
    func closed() {
        isOpen = false
        consumerTag = nil
        flag.isSet = false
        forgetDeliveries()
    }

    private func forgetDeliveries() {
        coalescer = AckCoalescer()
        assembler = DeliveryAssembler(limit: maxBytes)
        sizes = [:]
        unsettledBytes = 0
    }

    /// Tries again after a pause.
    func scheduleRetry() { if isWanted { retryAt = .now + backoff.failed() } }

    /// Tries again as soon as there is a connection.
    func retryAtOnce() { retryAt = isWanted && consumerTag == nil ? .now : nil }

    func receive(_ frame: InboundFrame) {
        switch frame {
        case .deliver(let opening): assembler.open(opening)
        case .header(let size, let properties):
            if let content = assembler.header(bodySize: size, properties: properties) { gather(content) }
        case .body(let bytes): if let content = assembler.body(bytes) { gather(content) }
        default: break
        }
    }

    /// Hands over what has gathered, as one batch.
    func yieldBatch() {
        guard !gathered.isEmpty else { return }
        continuation.yield(DeliveryBatch(deliveries: gathered))
        gathered = []
    }

    func acknowledge(_ tags: [DeliveryTag]) {
        for tag in tags where tag.epoch == epoch && isOpen && coalescer.acknowledge(tag.tag) { forgetSize(tag.tag) }
    }

    /// - Returns: false when there is nothing to reject any more.
    func reject(_ tag: DeliveryTag) -> Bool {
        guard tag.epoch == epoch && isOpen && coalescer.reject(tag.tag) else { return false }
        forgetSize(tag.tag)
        return true
    }

    private func forgetSize(_ tag: UInt64) {
        if !sizes.isEmpty, let size = sizes.removeValue(forKey: tag) { unsettledBytes -= size }
    }

    func takeAcknowledgements() -> [AckCoalescer.Acknowledgement] { isOpen ? coalescer.drain() : [] }

    func finish() {
        flag.isSet = false
        continuation.finish()
    }

    private func gather(_ content: DeliveryAssembler<InboundFrame.DeliveryOpening>.Content) {
        coalescer.delivered(content.opening.tag)
        // Small ones are bounded by their number.
        if content.body.count >= 16_384 {
            sizes[content.opening.tag] = content.body.count
            unsettledBytes += content.body.count
        }
        gathered.append(
            Delivery(
                tag: DeliveryTag(epoch: epoch, tag: content.opening.tag), body: content.body,
                properties: content.properties.readable, exchange: content.opening.exchange,
                routingKey: content.opening.routingKey, redelivered: content.opening.redelivered,
                wire: content.properties, bodySize: content.bodySize, cutDigest: content.cutDigest))
    }
}
