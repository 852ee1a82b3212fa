internal import AMQP
internal import FoundationEssentials
internal import IOThread
internal import Logging
internal import Messaging
internal import Postgres
internal import Publisher
internal import Reporting
internal import Store
internal import Synchronization
internal import WorkOrders

/// Registers what is published to lanes that nobody consumes, so that people see and change it there, too: a queue with
/// messages and without a consumer is drained into the database until a worker consumes it again.
final class LaneRegistrar: Sendable {
    /// A delivery on its way into the database.
    private struct Registration: Sendable {
        let received: Received
        let item: ClaimItem
        let claim: UUID
    }

    /// The most one commit registers, and the broker hands out at a time twice as many.
    private static let batch = 500

    private let configured: [String]
    private let maxMessageBytes: Int
    private let store: Store
    private let consumer: AMQPConsumer
    private let publisher: AMQPPublisher
    private let letters: LetterDesk
    private let reporter: Reporter
    private let logger: Logger
    private let writer: IsolatingWriter<Registration>
    private let open = Mutex<[String: AMQPSubscription]>([:])
    /// Nothing is run here, so no kind is known and no price.
    private let terms = ClaimTerms(worker: UUID(), lease: .zero, unknownKindGrace: .zero, kinds: [:])

    init(
        configured: [String], maxMessageBytes: Int, store: Store, consumer: AMQPConsumer, publisher: AMQPPublisher,
        letters: LetterDesk, reporter: Reporter, logger: Logger
    ) {
        self.configured = configured
        self.maxMessageBytes = maxMessageBytes
        self.store = store
        self.consumer = consumer
        self.publisher = publisher
        self.letters = letters
        self.reporter = reporter
        self.logger = logger
        // What is put aside is a dead letter with everything in it.
        var terms = IsolationTerms()
        terms.lonelyNeedsOthers = false
        writer = IsolatingWriter(terms)
    }

    /// Nil while orders are registered, or none waits.
    var trouble: String? { writer.trouble("orders of lanes without a worker are not registered") }

    /// Reads a subscription to its end, and hands over what it delivers: in batches, or what is suspected alone.
    typealias Reader =
        @Sendable (
            AMQPSubscription, _ batch: @escaping @Sendable ([Received]) async -> Void,
            _ alone: @escaping @Sendable ([Received]) async -> Void
        ) async -> Void

    func run(reading read: @escaping Reader) async {
        let (opened, opener) = AsyncStream<(String, AMQPSubscription)>.makeStream()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.writer.run(self.actions) }
            group.addTask { await self.watch(opener) }
            for await (lane, subscription) in opened {
                group.addTask { await self.drain(subscription, lane, read) }
            }
            group.cancelAll()
        }
    }

    /// What is delivered while a batch is written goes into the next: the broker hands it out in small pieces.
    private func drain(_ subscription: AMQPSubscription, _ lane: String, _ read: @escaping Reader) async {
        let gathered = Gathered()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await read(subscription, { gathered.add($0) }, { await self.register($0, lane: lane) })
                gathered.end()
            }
            for await _ in gathered.rings {
                while !Task.isCancelled {
                    let batch = gathered.take(upTo: Self.batch)
                    if batch.isEmpty { break }
                    await register(batch, lane: lane)
                }
            }
        }
    }

    private func watch(_ opener: AsyncStream<(String, AMQPSubscription)>.Continuation) async {
        let repeating = Repeating(
            "register", every: .seconds(1), startsAtOnce: true,
            problem: "nobody looked for orders of lanes without a worker", reporter: reporter)
        await repeating.run {
            let untended = Set(try await store.lanesToLookAt(configured: configured))
            for lane in untended.union(configured).union(open.withLock { $0.keys }) {
                do {
                    try await look(at: lane, isTended: !untended.contains(lane), opener)
                } catch let error as AMQPError where error.isAway {
                    // The connection tells of it; nothing can be registered meanwhile.
                    return
                } catch {
                    // One that may not be read keeps no other from being looked at.
                    reporter.report(
                        "register", "a lane without a worker can't be looked at", error: error,
                        details: [.lane: lane])
                }
            }
        }
        opener.finish()
    }

    private func look(
        at lane: String, isTended: Bool, _ opener: AsyncStream<(String, AMQPSubscription)>.Continuation
    ) async throws {
        let queue = MooseTopology.workQueue(lane: lane)
        guard let statistics = try await publisher.queueStatistics(queue) else { return }
        if let subscription = open.withLock({ $0[lane] }) {
            // A worker consumes it: what is delivered here by now is registered, and no more comes. Another Client Manager
            // is no reason to let go: both would.
            guard statistics.consumers > 1, isTended else { return }
            open.withLock { $0[lane] = nil }
            await subscription.close()
            logger.info("the lane has a worker again", metadata: ["lane": "\(lane)"])
        } else if statistics.messages > 0, statistics.consumers == 0 {
            let subscription = try await consumer.subscribe(to: queue, prefetch: 2 * Self.batch)
            open.withLock { $0[lane] = subscription }
            opener.yield((lane, subscription))
            logger.info("registering orders of a lane without a worker", metadata: ["lane": "\(lane)"])
        }
    }

    // MARK: Registering

    /// Each is acknowledged only after its commit. While the database is away it waits; what was not acknowledged goes
    /// back with the connection.
    private func register(_ received: [Received], lane: String) async {
        let reader = OrderReader(lanes: [lane], maxMessageBytes: maxMessageBytes, terms: terms)
        var rest = received
        while !rest.isEmpty, !Task.isCancelled {
            let claim = UUID()
            var ids: Set<UUID> = []
            var registrations: [Registration] = []
            var again: [Received] = []
            for entry in rest {
                do throws(InvalidMessage) {
                    let item = try reader.read(entry.delivery, lane: 0)
                    if ids.insert(item.id).inserted {
                        registrations.append(Registration(received: entry, item: item, claim: claim))
                    } else {
                        again.append(entry)
                    }
                } catch {
                    letters.buryAlone([Burial(DeadLetter(error, entry.delivery), done: entry.acknowledge)])
                }
            }
            var backoff = Backoff()
            while !Task.isCancelled, case .away(let error) = await writer.write(registrations, actions) {
                reporter.report("register", "orders are not registered yet", error: error)
                // Cancelled: the loop's condition ends it.
                try? await Task.sleep(for: backoff.failed())
            }
            rest = again
        }
    }

    private var actions: IsolatingWriter<Registration>.Actions {
        .init(
            write: { entries, _ throws(PostgresError) in
                let verdicts = try await self.store.claim(
                    entries.map(\.item), claim: entries[0].claim, terms: self.terms, park: true)
                let refused = zip(entries, verdicts).filter { $1.isRefusedForItsID }.map(\.0)
                if !refused.isEmpty {
                    // What a claim doesn't carry: the message's properties, as they came.
                    try await self.store.completeLetters(
                        refused.map { DeadLetter(InvalidMessage(.idReused, ""), $0.received.delivery) })
                }
                for (_, group) in Dictionary(grouping: entries, by: { ObjectIdentifier($0.received.subscription) }) {
                    group[0].received.subscription.acknowledge(group.map(\.received.delivery.tag))
                }
            },
            canary: { () throws(PostgresError) in
                _ = try await self.store.claim([], claim: UUID(), terms: self.terms, park: true, isCanary: true)
            },
            putAside: { entry, error in
                let problem = InvalidMessage(
                    .refused, "the database refused it (SQLSTATE \(error.sqlState ?? "unknown"))")
                self.letters.buryAlone([
                    Burial(DeadLetter(problem, entry.received.delivery), done: entry.received.acknowledge)
                ])
                return true
            },
            failed: { error, count in
                guard error.fault != .away else { return }
                self.reporter.report(
                    "register", "orders are registered apart from the others", error: error,
                    details: [.items: "\(count)"])
            })
    }
}

/// Deliveries that wait for their batch.
private final class Gathered: Sendable {
    /// Something waits. For one listener; it ends with the last that comes.
    let rings: AsyncStream<Void>
    private let ringer: AsyncStream<Void>.Continuation
    private let waiting = Mutex<[Received]>([])

    init() { (rings, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func add(_ received: [Received]) {
        waiting.withLock { $0 += received }
        ringer.yield()
    }

    func end() { ringer.finish() }

    func take(upTo limit: Int) -> [Received] {
        waiting.withLock { list in
            let batch = Array(list.prefix(limit))
            list.removeFirst(batch.count)
            return batch
        }
    }
}
