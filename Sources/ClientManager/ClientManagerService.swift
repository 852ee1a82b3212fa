package import AMQP
internal import CoreMetrics
internal import FoundationEssentials
internal import IOThread
package import Logging
internal import Messaging
internal import Postgres
internal import Publisher
package import Reporting
package import Sentinel
package import Store
internal import Synchronization
internal import Telemetry
internal import WorkOrders

/// Drains the escalation queue into escalations, and the broker's dead letters into `dead_letters`. Any number may run.
package final class ClientManagerService: Sendable {
    private let store: Store
    private let consumer: AMQPConsumer
    private let publisher: AMQPPublisher
    private let logger: Logger
    private let stuck: StuckWatch
    private let server: ServerWatch
    private let sentinel: SentinelJudge
    private let retention: RetentionWatch?
    private let lanes: [String]
    private let reporter: Reporter
    private let intake: IsolatingWriter<EventTry>
    private let letters: LetterDesk
    private let relay: OutboxRelay
    private let scheduler: Scheduler
    private let registrar: LaneRegistrar
    private let subscriptions = Mutex<[AMQPSubscription]>([])

    /// - Parameters:
    ///   - retention: what is deleted once a day; nil: nothing.
    ///   - lanes: the lanes of `moose.yaml`.
    ///   - maxMessageBytes: of an order. Default 1 MiB.
    ///   - orders: for orders that are registered, beside all else; default `store`.
    ///   - reporter: hears of its own troubles; default one that only logs.
    package init(
        store: Store, consumer: AMQPConsumer, publisher: AMQPPublisher, logger: Logger,
        stuck: StuckWatch = StuckWatch(), server: ServerWatch = ServerWatch(),
        sentinel: SentinelJudge = SentinelJudge(), retention: RetentionWatch? = nil, lanes: [String] = [],
        maxMessageBytes: Int = 1_048_576, orders: Store? = nil, reporter: Reporter? = nil
    ) {
        self.store = store
        self.consumer = consumer
        self.publisher = publisher
        self.logger = logger
        self.stuck = stuck
        self.server = server
        self.sentinel = sentinel
        self.retention = retention
        self.lanes = lanes
        let reporter = reporter ?? Reporter(component: "client-manager", logger: logger)
        self.reporter = reporter
        // What is put aside is a dead letter with everything in it.
        var terms = IsolationTerms()
        terms.lonelyNeedsOthers = false
        intake = IsolatingWriter(terms)
        letters = LetterDesk(
            store: store, apart: store,
            failed: { Self.report("dead letters are tried apart", $0, $1, to: reporter) })
        relay = OutboxRelay(store: store, publisher: publisher, logger: logger, reporter: reporter)
        scheduler = Scheduler(store: store, logger: logger, reporter: reporter)
        registrar = LaneRegistrar(
            configured: lanes, maxMessageBytes: maxMessageBytes, store: orders ?? store, consumer: consumer,
            publisher: publisher, letters: letters, reporter: reporter, logger: logger)
    }

    /// Works until `stop` yields or ends. Throws when it can't start.
    package func run(until stop: AsyncStream<Void>) async throws {
        let events = try await consumer.subscribe(to: MooseTopology.escalationsQueue, prefetch: 500)
        let dead = try await consumer.subscribe(to: MooseTopology.dead, prefetch: 200)
        subscriptions.withLock { $0 = [events, dead] }
        logger.info("client manager ready")
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in await intake.run(Self.eventActions(store, letters, reporter)) }
            group.addTask { [self] in await letters.run() }
            group.addTask { [self] in await drain(events, read: readEvents) }
            group.addTask { [self] in await drain(dead, read: readLetters) }
            group.addTask { [self] in await registrar.run { await self.drain($0, read: $1, readAlone: $2) } }
            group.addTask { [self] in await relay.run() }
            group.addTask { [self] in await scheduler.run() }
            group.addTask { [self] in await DependencyWork(store: store, reporter: reporter).run() }
            group.addTask { [self] in await HoldExpiry(store: store, reporter: reporter).run() }
            group.addTask { [self] in await stuck.run(store, logger: logger, reporter: reporter) }
            group.addTask { [self] in await server.run(store, logger: logger, reporter: reporter) }
            group.addTask { [self] in await sentinel.run(store, logger: logger, reporter: reporter) }
            group.addTask { [self] in await retention?.run(store, logger: logger, reporter: reporter) }
            group.addTask { [self] in
                await LaneWatch(
                    store: store, publisher: publisher, configured: lanes, logger: logger, reporter: reporter
                ).run()
            }
            for await _ in stop { break }
            group.cancelAll()
        }
        logger.info("client manager stopped")
    }

    /// What `/readyz` says beyond the connections: by name, why it isn't so; nil where it is.
    package var progress: [(name: String, trouble: String?)] {
        let silent = subscriptions.withLock { $0 }.filter { !$0.isConsuming }.map(\.queue)
        return [
            ("events", intake.trouble("error events are not recorded")), ("dead letters", letters.trouble),
            ("lanes", registrar.trouble),
            ("relay", relay.trouble), ("schedules", scheduler.trouble),
            (
                "consumers",
                silent.isEmpty ? nil : "the broker has no consumer registered for \(silent.joined(separator: ", "))"
            ),
        ]
    }

    /// Hands over batch by batch; what came back again and again is read one by one, beside the others.
    ///
    /// - Parameter readAlone: returns when it is known what becomes of them; default `read`.
    private func drain(
        _ subscription: AMQPSubscription, read: @escaping @Sendable ([Received]) async -> Void,
        readAlone: (@Sendable ([Received]) async -> Void)? = nil
    ) async {
        let readAlone = readAlone ?? read
        let (suspects, suspect) = AsyncStream<Delivery>.makeStream()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                let suspicion = Suspicion(store: store, reporter: reporter)
                for await delivery in suspects {
                    await suspicion.handle(
                        delivery, lane: nil, acknowledge: { subscription.acknowledge([delivery.tag]) },
                        read: { await readAlone([Received(delivery, subscription)]) })
                }
            }
            for await batch in subscription.batches {
                let apart = batch.deliveries.filter(Suspicion.falls)
                // In no order: whichever ends the process, the others get their turn.
                for delivery in apart.shuffled() { suspect.yield(delivery) }
                let others = batch.deliveries.filter { !Suspicion.falls(on: $0) }
                if !others.isEmpty { await read(others.map { Received($0, subscription) }) }
            }
            group.cancelAll()
        }
    }

    /// Each is acknowledged only after its commit. While the database is away it waits; what was not acknowledged goes
    /// back with the connection.
    @Sendable private func readEvents(_ received: [Received]) async {
        let tries = received.map { EventTry(received: $0, event: EventClassifier.classify($0.delivery)) }
        await untilTaken("error events are not recorded yet") {
            switch await intake.write(tries, Self.eventActions(store, letters, reporter)) {
            case .away(let error): error
            case .written, .isolated: nil
            }
        }
    }

    @Sendable private func readLetters(_ received: [Received]) async {
        var burials = received.map { Burial(Self.deadLetter($0.delivery), done: $0.acknowledge) }
        await untilTaken("dead letters are not recorded yet") {
            let error = await letters.bury(burials)
            if let error { burials = burials.map { LetterDesk.again($0, after: error) } }
            return error
        }
    }

    private func untilTaken(_ what: String, _ attempt: () async -> PostgresError?) async {
        var backoff = Backoff()
        while !Task.isCancelled, let error = await attempt() {
            reporter.report("record", what, error: error)
            // Cancelled: the loop's condition ends it.
            try? await Task.sleep(for: backoff.failed())
        }
    }

    /// An event the database refuses becomes a dead letter, and that is an event of its own.
    private static func eventActions(
        _ store: Store, _ letters: LetterDesk, _ reporter: Reporter
    ) -> IsolatingWriter<EventTry>.Actions {
        .init(
            write: { tries, _ throws(PostgresError) in
                let new = try await store.record(tries.map(\.event))
                Counter(.escalationEvents).increment(by: Int64(new))
                for entry in tries { entry.received.acknowledge() }
            },
            canary: { () throws(PostgresError) in _ = try await store.record([], isCanary: true) },
            putAside: { entry, error in
                let problem = InvalidMessage(
                    .refused, "the database refused the error event (SQLSTATE \(error.sqlState ?? "unknown"))")
                letters.buryAlone([
                    Burial(DeadLetter(problem, entry.received.delivery), done: entry.received.acknowledge)
                ])
                return true
            },
            failed: { Self.report("error events are tried apart", $0, $1, to: reporter) })
    }

    fileprivate static func report(_ what: String, _ error: PostgresError, _ count: Int, to reporter: Reporter) {
        guard error.fault != .away else { return }
        reporter.report("record", what, error: error, details: [.items: "\(count)"])
    }

    /// What the broker gave up on, with the reason it wrote into the headers; without one it found no queue.
    private static func deadLetter(_ delivery: Delivery) -> DeadLetter {
        // What comes through the alternate exchange still has its own: no lane took it, whatever its headers tell.
        let isGivenUp = delivery.exchange == MooseTopology.dead
        guard isGivenUp, let death = BrokerDeath(delivery.properties.headers) else {
            return DeadLetter(
                InvalidMessage(
                    .unroutable, "no queue is bound for the routing key; name the lane and run `moose topology apply`"),
                delivery)
        }
        let place = death.queue.map { " of the queue \($0)" } ?? ""
        let (reason, explanation): (DeadLetterReason, String) =
            switch death.reason {
            case "delivery_limit":
                (.deliveryLimit, "its consumers\(place) returned it, or died with it, more often than the queue allows")
            case "expired": (.expired, "nobody took it\(place) in the time it had")
            case "maxlen": (.maxLength, "it was pushed out\(place), which is full")
            case "rejected": (.rejected, "a consumer\(place) refused it")
            // Of a broker that has learned another: no letter is lost for that.
            default: (.rejected, "the broker gave it up\(place); why stands in its headers, in a word that is new")
            }
        return DeadLetter(InvalidMessage(reason, explanation), delivery, death: death)
    }
}

/// A delivery and the way to acknowledge it.
struct Received: Sendable {
    let delivery: Delivery
    let subscription: AMQPSubscription

    init(_ delivery: Delivery, _ subscription: AMQPSubscription) {
        self.delivery = delivery
        self.subscription = subscription
    }

    @Sendable func acknowledge() { subscription.acknowledge([delivery.tag]) }
}

/// An event on its way into the database; what it was made of is kept for a dead letter.
private struct EventTry: Sendable {
    let received: Received
    let event: ClassifiedEvent
}
