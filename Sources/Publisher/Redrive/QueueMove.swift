package import AMQP
internal import Messaging

/// Moves messages of any queue elsewhere: each is published, confirmed and only then acknowledged. Interrupted in
/// between, a window of messages is in both places: at least once, never lost. What moves is what came, byte for byte, but
/// for the broker's own headers and the user's name.
package struct QueueMove: Sendable {
    /// A message that can't be moved; it is where it was.
    package struct Refusal: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String
    }

    package struct Progress: Sendable, Equatable {
        package var moved = 0
        /// Of those, the messages whose headers told of earlier deaths, which are left behind.
        package var stripped = 0
    }

    /// Where they go.
    package struct Target: Sendable, Equatable {
        /// Empty for the default exchange.
        package var exchange: String
        /// Nil: each keeps its own.
        package var routingKey: String?

        package init(exchange: String, routingKey: String?) {
            self.exchange = exchange
            self.routingKey = routingKey
        }
    }

    private let consumer: AMQPConsumer
    private let publisher: AMQPPublisher

    package init(consumer: AMQPConsumer, publisher: AMQPPublisher) {
        self.consumer = consumer
        self.publisher = publisher
    }

    /// Moves so many messages, or all until the queue has been empty for 2 s.
    /// - Parameters:
    ///   - window: how many may be under way, and so be in both places after a crash.
    ///   - progress: hears after each step what is done.
    /// - Throws: ``AMQPError/returned(_:text:)`` when the target takes a message to no queue: it stays where it was;
    ///   ``Refusal`` for one over the limit.
    package func run(
        _ queue: String, to target: Target, count: Int, window: Int, progress: (Progress) -> Void = { _ in }
    ) async throws -> Progress {
        let subscription = try await consumer.subscribe(to: queue, prefetch: min(window, max(1, count)))
        let idle = IdleSubscription(subscription, idle: .seconds(2))
        return try await idle.read {
            var done = Progress()
            for await batch in subscription.batches {
                guard idle.begin() else { break }
                let deliveries = Array(batch.deliveries.prefix(count - done.moved))
                try await move(deliveries, to: target, subscription, &done)
                idle.end()
                progress(done)
                if done.moved >= count { break }
            }
            return done
        }
    }

    private func move(
        _ deliveries: [Delivery], to target: Target, _ subscription: AMQPSubscription, _ done: inout Progress
    ) async throws {
        let messages = try deliveries.map { delivery in
            guard !delivery.isCut else {
                throw Refusal(
                    description: "a message of \(delivery.bodySize) bytes is over defaults.max_message_bytes; raise it")
            }
            guard let wire = delivery.wire.forwarded(without: BrokerDeath.isOwnHeader) else {
                throw Refusal(description: "a message has properties that can't be read")
            }
            return OutgoingMessage(
                exchange: target.exchange, routingKey: target.routingKey ?? delivery.routingKey,
                properties: wire.readable, body: delivery.body, mandatory: true, wire: wire)
        }
        do {
            try await publisher.publish(messages)
        } catch {
            if case .returned(let indexes, _) = error {
                settle(deliveries.indices.filter { !indexes.contains($0) }.map { deliveries[$0] }, subscription, &done)
            }
            throw error
        }
        settle(deliveries, subscription, &done)
    }

    private func settle(_ deliveries: [Delivery], _ subscription: AMQPSubscription, _ done: inout Progress) {
        subscription.acknowledge(deliveries.map(\.tag))
        done.moved += deliveries.count
        done.stripped += deliveries.filter { BrokerDeath($0.properties.headers) != nil }.count
    }
}
