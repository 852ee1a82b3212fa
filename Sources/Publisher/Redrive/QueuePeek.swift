package import AMQP
internal import Messaging

/// A look at the first messages of any queue. It disturbs them: each is delivered and returned, so it is marked as
/// redelivered, and in a quorum queue counted as one more delivery of those its limit allows.
package struct QueuePeek: Sendable {
    package enum Refusal: Error, Sendable, Equatable {
        /// The first message has been returned so often that one more time may be the last.
        case returnedOften(Int64)
    }

    /// RabbitMQ 4 gives a message up at the 20th return, unless the queue says otherwise, which AMQP can't ask.
    package static let often: Int64 = 15

    private let consumer: AMQPConsumer
    private let publisher: AMQPPublisher

    package init(consumer: AMQPConsumer, publisher: AMQPPublisher) {
        self.consumer = consumer
        self.publisher = publisher
    }

    /// The first messages that are ready, in the order of the queue.
    /// - Parameter isForced: also when the first has been returned often.
    /// - Throws: ``Refusal``, after the first message has gone back; ``AMQPError/notFound(_:)`` without that queue.
    package func first(_ limit: Int, of queue: String, isForced: Bool) async throws -> [Delivery] {
        guard let ready = try await publisher.queueStatistics(queue)?.messages else {
            throw AMQPError.notFound("there is no queue '\(queue)'")
        }
        let wanted = min(limit, ready)
        guard wanted > 0 else { return [] }
        // One consumer, and no rejects: only a channel that closes puts the messages back in front, in their order.
        let subscription = try await consumer.subscribe(to: queue, prefetch: wanted)
        let idle = IdleSubscription(subscription, idle: .seconds(2))
        return try await idle.read {
            var seen: [Delivery] = []
            for await batch in subscription.batches {
                // Closed by the watch: everything goes back by itself.
                guard idle.begin() else { break }
                if seen.isEmpty, !isForced,
                    let count = BrokerDeath.deliveryCount(batch.deliveries[0].properties.headers),
                    count >= Self.often
                {
                    throw Refusal.returnedOften(count)
                }
                seen += batch.deliveries
                if seen.count >= wanted { break }
                idle.end()
            }
            return Array(seen.prefix(wanted))
        }
    }
}
