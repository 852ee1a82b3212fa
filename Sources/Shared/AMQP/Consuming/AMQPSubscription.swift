internal import IOThread

/// Deliveries from one queue, on a channel of its own that is replaced when it breaks.
///
/// Settling is fire-and-forget: what was delivered on a channel that is gone can't be settled, the broker hands it out
/// again, and such tags are ignored.
package final class AMQPSubscription: Sendable {
    package let queue: String
    /// What arrives, until the subscription or its consumer is closed; pauses and reconnects don't end it. For one
    /// reader.
    package let batches: AsyncStream<DeliveryBatch>
    private let id: Int
    private let mailbox: Mailbox<ConsumerCommand>
    private let flag: ConsumerChannel.ConsumingFlag

    init(
        queue: String, id: Int, batches: AsyncStream<DeliveryBatch>, mailbox: Mailbox<ConsumerCommand>,
        flag: ConsumerChannel.ConsumingFlag
    ) {
        self.queue = queue
        self.id = id
        self.batches = batches
        self.mailbox = mailbox
        self.flag = flag
    }

    /// The broker has a consumer registered for it now: false while paused, disconnected, or without its queue.
    package var isConsuming: Bool { flag.isSet }

    /// Settles deliveries; a run without gaps goes out as one acknowledgement.
    package func acknowledge(_ tags: [DeliveryTag]) {
        if !tags.isEmpty { mailbox.post(.acknowledge(id, tags)) }
    }

    /// Gives one delivery back: to the queue, or with `requeue` false to the dead-letter exchange if there is one.
    package func reject(_ tag: DeliveryTag, requeue: Bool) { mailbox.post(.reject(id, tag, requeue: requeue)) }

    /// Stops deliveries and returns when the broker has confirmed that; what arrived before is in ``batches`` and may
    /// still be settled.
    /// - Throws: ``AMQPError/closed``.
    package func pause() async throws(AMQPError) { try await mailbox.ask { .pause(self.id, $0) } }

    /// Pauses, and returns every unsettled delivery to the queue by closing the channel; their tags are of no use any
    /// more. ``resume(prefetch:)`` opens another channel.
    /// - Throws: ``AMQPError/closed``.
    package func giveBack() async throws(AMQPError) { try await mailbox.ask { .giveBack(self.id, $0) } }

    /// Consumes again; without a connection, as soon as there is one.
    /// - Parameter prefetch: how many deliveries may be unsettled at a time, at least 1; those from before a pause
    ///   don't count.
    /// - Throws: what the broker refused; it is tried again later all the same.
    package func resume(prefetch: Int) async throws(AMQPError) {
        try await mailbox.ask { .resume(self.id, prefetch: prefetch, $0) }
    }

    /// Closes the channel, which returns every unsettled delivery to the queue, and ends ``batches``.
    package func close() async {
        do throws(AMQPError) {
            try await mailbox.ask { .unsubscribe(self.id, $0) }
        } catch {
            // The whole consumer is closed already.
        }
    }
}
