import TestSupport
import Testing

@testable import AMQP

@Suite(.timeLimit(.minutes(2))) struct ConsumerTests {
    /// A queue with a publisher and a consumer.
    private func withQueue(
        _ queue: Topology.QueueDeclaration = Broker.queue(),
        _ body: (Topology.QueueDeclaration, AMQPPublisher, AMQPConsumer) async throws -> Void
    ) async throws {
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            try await Broker.withConsumer { consumer in try await body(queue, publisher, consumer) }
        }
    }

    @Test func `twenty thousand messages arrive once each and leave an empty queue`() async throws {
        try await withQueue { queue, publisher, consumer in
            let subscription = try await consumer.subscribe(to: queue.name, prefetch: 500)
            async let published: Void = publisher.publish(Broker.messages(0..<20_000, for: queue.name))
            var seen: [String] = []
            for await batch in subscription.batches {
                #expect(!batch.deliveries.isEmpty)
                seen += batch.deliveries.compactMap(\.properties.messageID)
                subscription.acknowledge(batch.deliveries.map(\.tag))
                if seen.count >= 20_000 { break }
            }
            try await published
            #expect(Set(seen).count == 20_000)
            #expect(seen.count == 20_000)
            await subscription.close()
            try await eventually("nothing is left") {
                try await publisher.queueStatistics(queue.name)?.messages == 0
            }
            #expect(consumer.status().reconnects == 0)
        }
    }

    @Test func `a large body and every property arrive as they were sent`() async throws {
        try await withQueue { queue, publisher, consumer in
            let properties = MessageProperties(
                messageID: "id", contentType: "application/json", type: "t", appID: "a", correlationID: "c",
                replyTo: "r", timestamp: 1_700_000_000,
                headers: [
                    "text": "ä", "number": -5, "flag": true, "half": .double(0.5), "raw": .bytes([0, 255]),
                    "time": .timestamp(7), "nested": .table(["list": .array([1, "two", .void])]), "none": .array([]),
                ])
            // The last is an exact multiple of what fits into a frame.
            let sizes = [0, 1, 300 * 1024, 2 * (131_072 - 8)]
            let subscription = try await consumer.subscribe(to: queue.name, prefetch: 10)
            try await publisher.publish(
                sizes.map { size in
                    OutgoingMessage(
                        exchange: "", routingKey: queue.name, properties: properties,
                        body: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) })
                })
            var received: [Delivery] = []
            for await batch in subscription.batches {
                received += batch.deliveries
                if received.count == sizes.count { break }
            }
            for (delivery, size) in zip(received, sizes) {
                #expect(delivery.body == (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) })
                #expect(delivery.properties == properties)
                #expect(delivery.routingKey == queue.name)
                #expect(!delivery.redelivered)
            }
        }
    }

    @Test func `an unknown queue is refused and the consumer lives on`() async throws {
        try await withQueue { queue, _, consumer in
            let error = await #expect(throws: AMQPError.self) {
                try await consumer.subscribe(to: "moose.test.missing", prefetch: 1)
            }
            guard case .notFound = error else {
                Issue.record("not refused as missing: \(String(describing: error))")
                return
            }
            let subscription = try await consumer.subscribe(to: queue.name, prefetch: 1)
            #expect(subscription.isConsuming)
            #expect(consumer.status().reconnects == 0)
        }
    }

    @Test func `a paused subscription gets nothing more, and its deliveries can still be settled`() async throws {
        try await withQueue { queue, publisher, consumer in
            try await publisher.publish(Broker.messages(0..<10, for: queue.name))
            let subscription = try await consumer.subscribe(to: queue.name, prefetch: 3)
            var held: [Delivery] = []
            var batches = subscription.batches.makeAsyncIterator()
            while held.count < 3 { held += try #require(await batches.next()).deliveries }
            try await subscription.pause()
            #expect(!subscription.isConsuming)
            subscription.acknowledge(held.map(\.tag))
            try await eventually("the broker has settled them") {
                try await publisher.queueStatistics(queue.name)?.messages == 7
            }
            try await subscription.resume(prefetch: 5)
            #expect(subscription.isConsuming)
            var next: [Delivery] = []
            while next.count < 5 { next += try #require(await batches.next()).deliveries }
            // Nothing came in between, or it would be here.
            #expect(next.map(\.properties.messageID) == ["3", "4", "5", "6", "7"])
            #expect(next.allSatisfy { !$0.redelivered })
        }
    }

    @Test func `a rejected delivery comes again or goes for good`() async throws {
        try await withQueue { queue, publisher, consumer in
            try await publisher.publish(Broker.messages(0..<2, for: queue.name))
            let subscription = try await consumer.subscribe(to: queue.name, prefetch: 1)
            var batches = subscription.batches.makeAsyncIterator()
            let first = try #require(await batches.next()?.deliveries.first)
            subscription.reject(first.tag, requeue: false)
            subscription.reject(first.tag, requeue: false)
            let second = try #require(await batches.next()?.deliveries.first)
            #expect(second.properties.messageID == "1")
            subscription.reject(second.tag, requeue: true)
            let again = try #require(await batches.next()?.deliveries.first)
            #expect(again.properties.messageID == "1")
            #expect(again.redelivered)
        }
    }

    /// A classic queue: while a quorum queue is made or deleted, RabbitMQ may answer a consumer with 541 and close the
    /// whole connection, which then is rightly opened again.
    @Test func `a deleted queue that comes back is consumed again`() async throws {
        try await withQueue(Broker.queue(["x-queue-type": "classic"])) { queue, publisher, consumer in
            let subscription = try await consumer.subscribe(to: queue.name, prefetch: 10)
            try await publisher.deleteQueue(queue.name)
            try await eventually("the broker's cancel is noticed") { !subscription.isConsuming }
            try await publisher.declare(Topology(queues: [queue]))
            try await publisher.publish(Broker.messages(0..<1, for: queue.name))
            for await batch in subscription.batches {
                #expect(batch.deliveries.first?.properties.messageID == "0")
                break
            }
            #expect(consumer.status().reconnects == 0)
        }
    }

    @Test func `a queue of the topology is declared again when it was deleted`() async throws {
        let queue = Broker.queue()
        try await Broker.withPublisher { publisher in
            try await Broker.withConsumer(Topology(queues: [queue])) { consumer in
                let subscription = try await consumer.subscribe(to: queue.name, prefetch: 10)
                try await publisher.deleteQueue(queue.name)
                try await eventually("the queue is there again") { try await publisher.queueExists(queue.name) }
                try await publisher.publish(Broker.messages(0..<1, for: queue.name))
                for await batch in subscription.batches {
                    #expect(batch.deliveries.first?.properties.messageID == "0")
                    break
                }
            }
        }
    }

    @Test func `closing a subscription gives its deliveries back`() async throws {
        try await withQueue { queue, publisher, consumer in
            try await publisher.publish(Broker.messages(0..<1, for: queue.name))
            let subscription = try await consumer.subscribe(to: queue.name, prefetch: 1)
            var batches = subscription.batches.makeAsyncIterator()
            _ = await batches.next()
            await subscription.close()
            #expect(await batches.next() == nil)
            let other = try await consumer.subscribe(to: queue.name, prefetch: 1)
            var otherBatches = other.batches.makeAsyncIterator()
            #expect(await otherBatches.next()?.deliveries.first?.redelivered == true)
        }
    }

    @Test func `what is given back goes to others, and the same subscription may go on`() async throws {
        try await withQueue { queue, publisher, consumer in
            try await publisher.publish(Broker.messages(0..<3, for: queue.name))
            let subscription = try await consumer.subscribe(to: queue.name, prefetch: 2)
            var batches = subscription.batches.makeAsyncIterator()
            var held: [Delivery] = []
            while held.count < 2 { held += try #require(await batches.next()).deliveries }
            subscription.acknowledge([held[0].tag])
            try await subscription.giveBack()
            #expect(!subscription.isConsuming)
            // The first is settled; the others wait for anybody.
            try await eventually("they are back") {
                try await publisher.queueStatistics(queue.name)?.messages == 2
            }
            subscription.acknowledge([held[1].tag])
            try await subscription.giveBack()
            try await subscription.resume(prefetch: 10)
            var again: [Delivery] = []
            while again.count < 2 { again += try #require(await batches.next()).deliveries }
            #expect(Set(again.compactMap(\.properties.messageID)) == ["1", "2"])
            subscription.acknowledge(again.map(\.tag))
            await subscription.close()
            try await eventually("all are settled") {
                try await publisher.queueStatistics(queue.name)?.messages == 0
            }
        }
    }

    @Test func `a task that is cancelled while it reads ends`() async throws {
        try await withQueue { queue, _, consumer in
            let subscription = try await consumer.subscribe(to: queue.name, prefetch: 1)
            let reading = Task {
                var count = 0
                for await batch in subscription.batches { count += batch.deliveries.count }
                return count
            }
            reading.cancel()
            #expect(await reading.value == 0)
        }
    }
}
