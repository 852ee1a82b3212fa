package import AMQP
internal import CoreMetrics
internal import DequeModule
internal import FoundationEssentials
package import Logging
internal import Messaging
internal import Postgres
internal import Publisher
package import Reporting
package import Store
internal import Synchronization
internal import Telemetry
internal import WorkOrders

/// A worker process: consumes lanes, claims in batches, runs jobs, settles them, renews leases, drains on request.
///
/// Two writers, one of claims and one of ends, have a statement each in flight and take everything that waits into the
/// next. They have a connection each, so that no end ever waits behind a claim.
package final class WorkerPool: Sendable {
    let configuration: WorkerConfiguration
    let handlers: HandlerRegistry
    let store: Store
    let control: Store
    let consumer: AMQPConsumer
    let publisher: AMQPPublisher
    let logger: Logger
    let reporter: Reporter
    let state: Mutex<PoolState>
    let subscriptions = Mutex<[AMQPSubscription]>([])
    let metrics: WorkerMetrics
    let relay: OutboxRelay
    /// Claims and ends that failed are tried apart from what comes next.
    let claims = IsolatingWriter<ClaimTry>()
    let ends = IsolatingWriter<FinishTry>()
    let letters: LetterDesk
    private let claimBell = Bell()
    private let finishBell = Bell()
    /// Says that operators may have changed something; many at once are one.
    let controlHints: AsyncStream<Void>
    let controlHint: AsyncStream<Void>.Continuation
    /// This machine; nil where nobody asks it anything.
    let hostCheck: (any HostCheck)?
    /// Says that the machine is to be looked at; many at once are one.
    let hostHints: AsyncStream<Void>
    let hostHint: AsyncStream<Void>.Continuation
    private let drains: AsyncStream<Void>
    private let drainRequest: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - store: for claims and finishes: two connections, one for each.
    ///   - control: for heartbeats, sweeps and the relay, which must not wait behind claims.
    ///   - host: what starts work on this machine; without it, a failure to start is forgotten after a moment.
    ///   - reporter: hears of whatever goes wrong outside the database's transactions; default one that only logs.
    package init(
        _ configuration: WorkerConfiguration, handlers: HandlerRegistry, store: Store, control: Store,
        consumer: AMQPConsumer, publisher: AMQPPublisher, host: (any HostCheck)? = nil, logger: Logger,
        reporter: Reporter? = nil
    ) {
        self.configuration = configuration
        self.handlers = handlers
        self.store = store
        self.control = control
        self.consumer = consumer
        self.publisher = publisher
        hostCheck = host
        self.logger = logger
        self.reporter = reporter ?? Reporter(component: "worker", logger: logger)
        state = Mutex(PoolState(lanes: configuration.lanes))
        metrics = WorkerMetrics()
        relay = OutboxRelay(store: control, publisher: publisher, logger: logger, reporter: self.reporter)
        let (told, counted) = (self.reporter, metrics)
        letters = LetterDesk(
            store: store, apart: control,
            failed: { error, count in
                guard error.fault != .away else { return }
                told.report(
                    "bury", "dead letters are not written yet; they are tried apart", error: error,
                    details: [.items: "\(count)"])
            },
            written: { letters in
                for (reason, group) in Dictionary(grouping: letters, by: \.reason) {
                    counted.buried(reason.rawValue, group.count)
                }
            })
        (controlHints, controlHint) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (hostHints, hostHint) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (drains, drainRequest) = AsyncStream.makeStream()
    }

    /// Works until `stop` yields or ends, or an operator has it drained, then drains and returns. Throws when it can't
    /// start.
    package func run(until stop: AsyncStream<Void>) async throws {
        try await announce()
        do {
            try await subscribe()
        } catch {
            // A row that stayed would be taken for a worker that was lost.
            await signOff()
            throw error
        }
        state.withLock { $0.isConsuming = true }
        logger.info(
            "worker ready",
            metadata: [
                "worker": "\(configuration.id.text)",
                "lanes": "\(configuration.lanes.map { "\($0.name):\($0.slots)" }.joined(separator: ","))",
            ])
        await withTaskGroup(of: Void.self) { group in
            for (index, subscription) in subscriptions.withLock({ $0 }).enumerated() {
                group.addTask { await self.receive(subscription, lane: index) }
            }
            group.addTask { await self.writeClaims() }
            group.addTask { await self.writeFinishes() }
            group.addTask { await self.claims.run(self.claimActions(park: false)) }
            group.addTask { await self.ends.run(self.finishActions) }
            group.addTask { await self.letters.run() }
            group.addTask { await self.readSuspects() }
            group.addTask { await self.keepLeases() }
            group.addTask { await self.rescueLost() }
            group.addTask { await self.tendRegistry() }
            group.addTask { await self.sweep() }
            group.addTask { await self.wakeForMoney() }
            group.addTask { await self.followLanes() }
            group.addTask { await self.parkOverdue() }
            group.addTask { await self.watchDatabase() }
            group.addTask { await self.watchHost() }
            group.addTask { await self.adoptUnknown() }
            group.addTask { await self.followControl() }
            group.addTask { await self.relay.run() }
            group.addTask { await DependencyWork(store: self.control, reporter: self.reporter).run() }
            group.addTask { await HoldExpiry(store: self.control, reporter: self.reporter).run() }
            group.addTask {
                await Scheduler(store: self.control, logger: self.logger, reporter: self.reporter).run()
            }
            group.addTask {
                for await _ in stop { break }
                self.requestDrain()
            }
            for await _ in self.drains {}
            await drain()
            group.cancelAll()
        }
        await signOff()
        logger.info("worker stopped")
    }

    private func subscribe() async throws {
        for (index, lane) in configuration.lanes.enumerated() {
            let subscription = try await consumer.subscribe(
                to: MooseTopology.workQueue(lane: lane.name), prefetch: prefetch(lane: index))
            subscriptions.withLock { $0.append(subscription) }
        }
    }

    /// Tells the registry that this process ends in good order.
    private func signOff() async {
        do {
            try await control.retire(configuration.id)
        } catch {
            // The registry row then ages out by itself.
            reporter.report("stop", "the registry was not told of the stop", error: error)
        }
    }

    /// What `/readyz` and `moose doctor` want to know: nil while all is well.
    package var trouble: String? {
        hostTrouble ?? databaseTrouble ?? (consumer.status().connected ? nil : "the broker is not connected")
            ?? claims.trouble("claims are not answered") ?? ends.trouble("ends of attempts are not written")
            ?? letters.trouble ?? relay.trouble
    }

    package var running: Int { state.withLock { $0.jobs.count } }

    /// Something may be claimable: a delivery came, or a slot is free.
    func wakeClaims() { claimBell.ring() }

    /// An attempt has ended.
    func wakeFinishes() { finishBell.ring() }

    // Free slots and about a second's worth more, so that short jobs never wait for the broker.
    func prefetch(lane index: Int) -> Int { state.withLock { min(2000, $0.lanes[index].slots) } }

    /// Ends the wait of ``run(until:)``; may be called again.
    func requestDrain() { drainRequest.finish() }

    private func receive(_ subscription: AMQPSubscription, lane: Int) async {
        for await batch in subscription.batches {
            let now = ContinuousClock.now
            let isTaken = state.withLock { state in
                guard !state.isStopping else { return false }
                for delivery in batch.deliveries {
                    if Suspicion.falls(on: delivery) {
                        state.suspects.append((lane, delivery))
                    } else {
                        state.lanes[lane].waiting.append(.init(delivery: delivery, since: now))
                    }
                }
                return true
            }
            if isTaken { wakeClaims() } else { giveBack(batch.deliveries, to: subscription) }
        }
    }

    private func writeClaims() async {
        for await _ in claimBell.rings {
            while !Task.isCancelled, await claimWaiting() {}
            publishGauges()
        }
    }

    private func writeFinishes() async {
        for await _ in finishBell.rings {
            while !Task.isCancelled, await flushFinishes() {}
            publishGauges()
        }
    }

    private func publishGauges() {
        let (running, slots) = state.withLock {
            ($0.lanes.reduce(0) { $0 + $1.running }, $0.lanes.reduce(0) { $0 + $1.slots })
        }
        metrics.running.set(Int64(running))
        metrics.free.set(Int64(slots - running))
    }

    /// Stops intake, lets jobs end for a while, interrupts the rest, writes every end.
    private func drain() async {
        logger.info("draining", metadata: ["running": "\(running)"])
        let unclaimed = state.withLock { state in
            state.isStopping = true
            defer { state.suspects.removeAll() }
            return state.lanes.indices.map { index in
                let waiting = state.lanes[index].waiting.map(\.delivery)
                state.lanes[index].waiting.removeAll()
                return waiting + state.suspects.filter { $0.lane == index }.map(\.delivery)
            }
        }
        for (subscription, deliveries) in zip(subscriptions.withLock({ $0 }), unclaimed) {
            // A broker that is away delivers nothing anyway, and takes back by itself what was unclaimed.
            try? await subscription.pause()
            giveBack(deliveries, to: subscription)
        }
        // The list of workers says so at once; where the database is away, the next heartbeat does.
        Task { try? await announce() }
        if await !becomesIdle(within: configuration.drainTimeout) {
            let jobs = state.withLock { Array($0.jobs.values) }
            logger.warning("interrupting what still runs", metadata: ["jobs": "\(jobs.count)"])
            for job in jobs { job.cancel() }
            if await !becomesIdle(within: .seconds(20)) {
                reporter.report(
                    "drain", "some jobs did not end; their leases will be rescued", failureClass: .timeout,
                    severity: .critical, details: [.jobs: "\(running)"])
            }
        }
    }

    /// Others need not wait until this process has ended: at the price of one return each, as a closed channel's.
    private func giveBack(_ deliveries: [Delivery], to subscription: AMQPSubscription) {
        for delivery in deliveries { subscription.reject(delivery.tag, requeue: true) }
    }

    private func becomesIdle(within limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if state.withLock({ $0.isIdle }) { return true }
            wakeFinishes()
            // Never cancelled here: the drain is what ends the group.
            try? await Task.sleep(for: .milliseconds(20))
        }
        return state.withLock { $0.isIdle }
    }
}
