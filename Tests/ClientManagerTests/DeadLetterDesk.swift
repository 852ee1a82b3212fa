import AMQP
import FoundationEssentials
import Messaging
import Postgres
import Publisher
import Store
import Testing
import WorkOrders

/// What the stories about dead letters share.
extension Desk {
    /// Publishes so many orders to a lane that doesn't exist, and waits until they are dead letters.
    func strand(_ count: Int) async throws -> [UUID] {
        let ids = (0..<count).map { _ in UUID.timeOrdered() }
        try await publisher.publish(
            ids.map {
                .workOrder(id: $0, lane: "nowhere", body: Array(#"{"kind":"work","title":"t"}"#.utf8), appID: "shop")
            })
        try await waitFor(Int64(count), "moose.dead_letters WHERE state = 'dead'")
        return ids
    }

    func letters(_ condition: String = "true") async throws -> [UUID] {
        try await store.postgres.run(
            "SELECT id FROM moose.dead_letters WHERE \(unescaped: condition) ORDER BY created_at, id"
        ).rows.map { try $0.decode(0, as: UUID.self) }
    }

    /// The lane's messages, without taking them away.
    func queued(_ queue: String = MooseTopology.workQueue(lane: "default")) async throws -> Int {
        try #require(try await publisher.queueStatistics(queue)).messages
    }

    func redriver(lease: Duration = .seconds(30)) -> Redriver {
        Redriver(store: store, publisher: publisher, who: "ann", why: "fixed", lease: lease)
    }

    static func to(_ exchange: String, _ routingKey: String?) -> Redrive {
        var redrive = Redrive()
        redrive.exchange = exchange
        redrive.routingKey = routingKey
        return redrive
    }

    static func toLane(_ lane: String) -> Redrive { to(MooseTopology.workExchange, lane) }

    /// Takes all messages of a queue away.
    func drain(_ queue: String, _ count: Int) async throws -> [Delivery] {
        let consumer = try AMQPConsumer(configuration: broker)
        try await consumer.connect()
        let subscription = try await consumer.subscribe(to: queue, prefetch: 500)
        var all: [Delivery] = []
        for await batch in subscription.batches {
            all += batch.deliveries
            subscription.acknowledge(batch.deliveries.map(\.tag))
            if all.count >= count { break }
        }
        await subscription.close()
        await consumer.close()
        return all
    }
}
