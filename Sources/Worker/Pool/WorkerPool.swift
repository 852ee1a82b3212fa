package import AMQP
internal import FoundationEssentials
package import Logging
internal import Messaging
internal import Postgres
internal import Publisher
package import Reporting
package import Store
internal import WorkOrders

/// A worker process: consumes lanes, claims in batches, runs jobs, settles them, drains on request.
///
///     Intake ──▶ Claims ──▶ Jobs ──▶ Finishes
///
/// Claims and finishes have a statement each in flight, on a connection each, so that no end ever waits behind a claim.
/// What they share is the ``PoolBoard``; whatever is done again and again beside them is a small type in Upkeep/.
package final class WorkerPool: Sendable {
    let board: PoolBoard
    let intake: Intake
    let claims: Claims
    let finishes: Finishes
    let configuration: WorkerConfiguration
    private let letters: LetterDesk
    private let relay: OutboxRelay
    private let host: HostWatcher
    private let database: DatabaseWatcher
    private let registrar: Registrar
    private let logger: Logger
    let reporter: Reporter
    /// Everything that goes on beside the intake until the worker has drained.
    private let services: [@Sendable () async -> Void]
    private let drains: AsyncStream<Void>
    private let drainRequest: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - store: for claims and finishes: two connections, one for each.
    ///   - control: for heartbeats, sweeps and the relay, which must not wait behind claims.
    ///   - host: what starts work on this machine; without it, a failure to start is forgotten after a moment.
    ///   - reporter: hears of whatever goes wrong outside the database's transactions; default one that only logs.
    package init(
        _ configuration: WorkerConfiguration, handlers: HandlerRegistry, store: Store, control: Store,
        consumer: AMQPConsumer, publisher: AMQPPublisher, host check: (any HostCheck)? = nil, logger: Logger,
        reporter: Reporter? = nil
    ) {
        let reporter = reporter ?? Reporter(component: "worker", logger: logger)
        let metrics = WorkerMetrics()
        let lanes = configuration.lanes.map(\.name)
        let board = PoolBoard(lanes: configuration.lanes)
        let (drains, drainRequest) = AsyncStream<Void>.makeStream()
        let patience = DatabasePatience(board: board, reporter: reporter)
        let relay = OutboxRelay(store: control, publisher: publisher, logger: logger, reporter: reporter)
        let letters = LetterDesk(store: store, apart: control, reporter: reporter, metrics: metrics)
        let intake = Intake(lanes: lanes, consumer: consumer, board: board, reporter: reporter, logger: logger)
        let host = HostWatcher(
            configuration: configuration, check: check, board: board, intake: intake, metrics: metrics,
            reporter: reporter, logger: logger)
        let jobs = Jobs(
            configuration: configuration, handlers: handlers, board: board, host: host, reporter: reporter,
            logger: logger)
        let terms = ClaimTerms(
            worker: configuration.id, lease: configuration.lease, unknownKindGrace: configuration.unknownKindGrace,
            kinds: handlers.terms)
        let claims = Claims(
            reader: OrderReader(lanes: lanes, maxMessageBytes: configuration.maxMessageBytes, terms: terms),
            batch: configuration.batch, board: board, intake: intake, jobs: jobs, store: store, control: control,
            letters: letters, relay: relay, patience: patience, reporter: reporter, logger: logger, metrics: metrics)
        let finishes = Finishes(
            worker: configuration.id, batch: configuration.batch, board: board, intake: intake, store: store,
            control: control, relay: relay, patience: patience, reporter: reporter, logger: logger, metrics: metrics)
        let database = DatabaseWatcher(
            configuration: configuration, store: store, board: board, intake: intake, metrics: metrics,
            reporter: reporter, logger: logger)
        let registrar = Registrar(
            configuration: configuration, handlers: handlers, store: control, board: board, reporter: reporter,
            logger: logger)
        let follower = ControlFollower(
            configuration: configuration, store: control, board: board, intake: intake, registrar: registrar,
            reporter: reporter, logger: logger, drain: { drainRequest.finish() })
        let upkeep = Upkeep(
            configuration: configuration, handlers: handlers, store: control, board: board, intake: intake,
            claims: claims, registrar: registrar, follower: follower, metrics: metrics,
            reporter: reporter, logger: logger)
        services =
            [
                claims.run, claims.runApart, finishes.run, finishes.runApart, letters.run, relay.run, host.run,
                database.run,
            ] + upkeep.services
        self.configuration = configuration
        (self.board, self.intake, self.claims, self.finishes) = (board, intake, claims, finishes)
        (self.letters, self.relay, self.host, self.database) = (letters, relay, host, database)
        (self.registrar, self.logger, self.reporter) = (registrar, logger, reporter)
        (self.drains, self.drainRequest) = (drains, drainRequest)
    }

    /// Works until `stop` yields or ends, or an operator has it drained, then drains and returns. Throws when it can't
    /// start.
    package func run(until stop: AsyncStream<Void>) async throws {
        try await registrar.announce()
        do {
            try await intake.subscribe()
        } catch {
            // A row that stayed would be taken for a worker that was lost.
            await registrar.signOff()
            throw error
        }
        board.change { $0.begin() }
        logger.info(
            "worker ready",
            metadata: [
                "worker": "\(configuration.id.text)",
                "lanes": "\(configuration.lanes.map { "\($0.name):\($0.slots)" }.joined(separator: ","))",
            ])
        await withTaskGroup(of: Void.self) { group in
            for lane in configuration.lanes.indices { group.addTask { await self.intake.receive(lane: lane) } }
            for service in services { group.addTask { await service() } }
            group.addTask {
                for await _ in stop { break }
                self.drainRequest.finish()
            }
            for await _ in self.drains {}
            await drain()
            group.cancelAll()
        }
        await registrar.signOff()
        logger.info("worker stopped")
    }

    /// Stops intake, lets jobs end for a while, interrupts the rest, writes every end.
    private func drain() async {
        logger.info("draining", metadata: ["running": "\(running)"])
        await intake.stop()
        // The list of workers says so at once; where the database is away, the next heartbeat does.
        Task { try? await registrar.announce() }
        if await board.becomes(within: configuration.drainTimeout, \.isIdle) { return }
        let jobs = board.look(\.jobs.all)
        logger.warning("interrupting what still runs", metadata: ["jobs": "\(jobs.count)"])
        for job in jobs { job.cancel() }
        if await board.becomes(within: .seconds(20), \.isIdle) { return }
        reporter.report(
            "drain", "some jobs did not end; their leases will be rescued", failureClass: .timeout,
            severity: .critical, details: [.jobs: "\(running)"])
    }

    /// Takes no more work and returns when the last running job has ended and its end is written, however long that
    /// takes. What was delivered and not claimed goes back to the broker at once.
    package func retire() async {
        logger.info("taking no more work; running jobs go on to their end", metadata: ["running": "\(running)"])
        await intake.stop()
        // A claim under way acknowledges on the same channel.
        _ = await board.becomes { !$0.hasClaims }
        await intake.close()
        _ = await board.becomes(\.isIdle)
    }

    /// What `/readyz` and `moose doctor` want to know: nil while all is well.
    package var trouble: String? {
        host.trouble ?? database.trouble ?? (intake.isConnected ? nil : "the broker is not connected")
            ?? claims.trouble ?? finishes.trouble ?? letters.trouble ?? relay.trouble
    }

    /// Whether it takes work: it has begun, and nobody has asked it to end.
    package var isReady: Bool { board.look { $0.isConsuming && !$0.isStopping } }

    /// How many jobs run here, those included whose end is not written yet.
    package var running: Int { board.look(\.jobs.count) }
}

extension LetterDesk {
    /// One whose failures are told of and whose letters are counted.
    fileprivate convenience init(store: Store, apart: Store, reporter: Reporter, metrics: WorkerMetrics) {
        self.init(
            store: store, apart: apart,
            failed: { error, count in
                guard error.fault != .away else { return }
                reporter.report(
                    "bury", "dead letters are not written yet; they are tried apart", error: error,
                    details: [.items: "\(count)"])
            },
            written: { letters in
                for (reason, group) in Dictionary(grouping: letters, by: \.reason) {
                    metrics.buried(reason.rawValue, group.count)
                }
            })
    }
}
