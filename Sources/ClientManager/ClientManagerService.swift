package import AMQP
internal import CoreMetrics
internal import FoundationEssentials
package import Logging
internal import Messaging
internal import Postgres
internal import Publisher
package import Reporting
package import Sentinel
package import Store
internal import Telemetry
internal import WorkOrders

/// Drains the escalation queue into escalations, and the broker's dead letters into `dead_letters`. Any number may run.
package struct ClientManagerService: Sendable {
    private let store: Store
    private let consumer: AMQPConsumer
    private let publisher: AMQPPublisher
    private let logger: Logger
    private let stuck: StuckWatch
    private let sentinel: SentinelJudge
    private let retention: RetentionWatch?
    private let lanes: [String]
    private let reporter: Reporter

    /// - Parameters:
    ///   - retention: what is deleted once a day; nil: nothing.
    ///   - lanes: the lanes of `moose.yaml`.
    ///   - reporter: hears of its own troubles; default one that only logs.
    package init(
        store: Store, consumer: AMQPConsumer, publisher: AMQPPublisher, logger: Logger,
        stuck: StuckWatch = StuckWatch(), sentinel: SentinelJudge = SentinelJudge(),
        retention: RetentionWatch? = nil, lanes: [String] = [], reporter: Reporter? = nil
    ) {
        self.store = store
        self.consumer = consumer
        self.publisher = publisher
        self.logger = logger
        self.stuck = stuck
        self.sentinel = sentinel
        self.retention = retention
        self.lanes = lanes
        self.reporter = reporter ?? Reporter(component: "client-manager", logger: logger)
    }

    /// Works until `stop` yields or ends. Throws when it can't start.
    package func run(until stop: AsyncStream<Void>) async throws {
        let events = try await consumer.subscribe(to: MooseTopology.escalationsQueue, prefetch: 500)
        let dead = try await consumer.subscribe(to: MooseTopology.dead, prefetch: 200)
        logger.info("client manager ready")
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await drain(events) { deliveries in
                    let new = try await store.record(deliveries.map(EventClassifier.classify))
                    Counter(.escalationEvents).increment(by: Int64(new))
                }
            }
            group.addTask {
                await drain(dead) { deliveries in _ = try await store.bury(deliveries.map(Self.deadLetter)) }
            }
            group.addTask {
                await OutboxRelay(store: store, publisher: publisher, logger: logger, reporter: reporter).run()
            }
            group.addTask { await Scheduler(store: store, logger: logger, reporter: reporter).run() }
            group.addTask { await stuck.run(store, logger: logger, reporter: reporter) }
            group.addTask { await sentinel.run(store, logger: logger, reporter: reporter) }
            group.addTask { await retention?.run(store, logger: logger, reporter: reporter) }
            group.addTask {
                await LaneWatch(
                    store: store, publisher: publisher, configured: lanes, logger: logger, reporter: reporter
                ).run()
            }
            for await _ in stop { break }
            group.cancelAll()
        }
        logger.info("client manager stopped")
    }

    /// Hands over batch by batch, and acknowledges each only after its commit. While the database is away it waits;
    /// what was not acknowledged goes back with the connection.
    private func drain(
        _ subscription: AMQPSubscription, _ record: @Sendable ([Delivery]) async throws -> Void
    ) async {
        for await batch in subscription.batches {
            var deliveries = batch.deliveries
            var wait = Duration.milliseconds(100)
            while !Task.isCancelled {
                do {
                    try await recordSplitting(deliveries, record)
                    subscription.acknowledge(deliveries.map(\.tag))
                    break
                } catch {
                    // It may have been written before the answer was lost: then it must not be written again.
                    for index in deliveries.indices { deliveries[index].comesAgain() }
                    reporter.report(
                        "record", "not recorded yet", error: error, details: ["queue": "\(subscription.queue)"])
                    // Cancelled: the loop's condition ends it.
                    try? await Task.sleep(for: wait)
                    wait = min(wait * 2, .seconds(5))
                }
            }
        }
    }

    /// A batch the database refuses for its data is split until the bad message stands alone; that one becomes a dead
    /// letter of its own.
    private func recordSplitting(
        _ deliveries: [Delivery], _ record: @Sendable ([Delivery]) async throws -> Void
    ) async throws {
        do {
            try await record(deliveries)
        } catch let error as PostgresError where error.isDataFault {
            guard deliveries.count > 1 else {
                // It becomes a dead letter, and that is an event of its own.
                logger.error("a message was refused by the database", metadata: ["error": "\(error)"])
                _ = try await store.bury(
                    deliveries.map { DeadLetter(InvalidMessage(.refused, "the database refused it"), $0) })
                return
            }
            let middle = deliveries.count / 2
            try await recordSplitting(Array(deliveries[..<middle]), record)
            try await recordSplitting(Array(deliveries[middle...]), record)
        }
    }

    /// What the broker gave up on, with the reason it wrote into the headers; without one it found no queue.
    private static func deadLetter(_ delivery: Delivery) -> DeadLetter {
        guard let death = BrokerDeath(delivery.properties.headers) else {
            return DeadLetter(
                InvalidMessage(
                    .unroutable, "no queue is bound for the routing key; name the lane and run `moose topology apply`"),
                delivery)
        }
        let reason: DeadLetterReason =
            switch death.reason {
            case "delivery_limit": .deliveryLimit
            case "expired": .expired
            case "maxlen": .maxLength
            default: .rejected
            }
        let place = death.queue.map { " of the queue \($0)" } ?? ""
        let explanation =
            switch reason {
            case .deliveryLimit: "its consumers\(place) returned it, or died with it, more often than the queue allows"
            case .expired: "nobody took it\(place) in the time it had"
            case .maxLength: "it was pushed out\(place), which is full"
            case .rejected: "a consumer\(place) refused it"
            default: "the broker dead-lettered it (\(death.reason))"
            }
        return DeadLetter(InvalidMessage(reason, explanation), delivery)
    }
}
