package import AMQP
internal import FoundationEssentials
internal import IOThread
package import Logging
internal import Postgres
package import Reporting
package import Store
internal import Synchronization
internal import WorkOrders

/// Carries the outbox to the broker: work orders, error events, replies. Any number may run; each row goes to
/// one at a time. Nothing is deleted before its confirm, so a crash between costs a duplicate, which the claim drops.
///
/// Each destination (exchange and routing key) has one batch under way: one that takes nothing holds up no other.
package final class OutboxRelay: Sendable {
    /// The channel on which SQL says that something new is due.
    private static let channel = "moose_outbox"

    private let store: Store
    private let publisher: AMQPPublisher
    private let reporter: Reporter
    private let poll: Duration
    private let patience: Duration
    private let alarm = Alarm()
    private let state = Mutex(RelayState())
    private let failures = Mutex(Failures<UUID>())

    /// - Parameters:
    ///   - reporter: hears of what can't be published or read; default one that only logs.
    ///   - poll: how often to look when nothing says that there is something. Default 1 s.
    ///   - patience: how long the broker may take to confirm a batch. Default 10 s; below the lease of 30 s.
    package init(
        store: Store, publisher: AMQPPublisher, logger: Logger, reporter: Reporter? = nil,
        poll: Duration = .seconds(1), patience: Duration = .seconds(10)
    ) {
        self.store = store
        self.publisher = publisher
        self.reporter = reporter ?? Reporter(component: "relay", logger: logger)
        self.poll = poll
        self.patience = patience
    }

    /// Nil while what is due gets to the broker, or nothing is due.
    package var trouble: String? {
        state.withLock { $0.progress.trouble("messages of the outbox are not published", at: .now) }
    }

    /// Says that something new may be due: who wrote to the outbox in this process needs no notification.
    package func wake() { alarm.ring() }

    /// Runs until the task is cancelled. Errors are reported and tried again: the rows are safe where they are.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in self.store.postgres.notifications(on: Self.channel) { self.wake() }
            }
            var backoff = Backoff(base: .milliseconds(200))
            while !Task.isCancelled {
                do {
                    // Not given up half-way: rows leased by a statement whose answer nobody hears wait out their lease.
                    let batches = try await Task { try await self.take() }.value
                    for batch in batches { group.addTask { await self.publish(batch) } }
                    backoff.succeeded()
                    if batches.isEmpty { await alarm.wait(atMost: min(poll, try await store.outboxWait() ?? poll)) }
                } catch {
                    if Task.isCancelled { break }
                    state.withLock { $0.unreadable(because: "\(error)", at: .now) }
                    if backoff.failures == 0 { reporter.report("relay", "the outbox waits", error: error) }
                    await alarm.wait(atMost: backoff.failed())
                }
            }
            group.cancelAll()
        }
        await settleAtLast()
    }

    /// Publishes what is due now and waits until that is settled. Returns how many rows that were.
    package func relayOnce() async throws -> Int {
        let batches = try await take()
        await withDiscardingTaskGroup { group in
            for batch in batches { group.addTask { await self.publish(batch) } }
        }
        try await settle()
        return batches.reduce(0) { $0 + $1.count }
    }

    /// Settles what is over, then takes what is due, a batch a destination.
    private func take() async throws -> [[OutboxMessage]] {
        try await settle()
        let busy = state.withLock { $0.busy(at: .now) }
        let due = try await store.leaseOutbox(UUID(), skip: busy)
        let batches = Dictionary(grouping: due, by: \.destination)
        state.withLock { $0.begin(batches.mapValues(\.count), at: .now) }
        return Array(batches.values)
    }

    /// What a stop cut short goes back, so that nobody waits for its lease to end.
    private func settleAtLast() async {
        guard store.postgres.status().isHealthy else { return }
        await Task {
            do {
                try await self.settle()
            } catch {
                self.reporter.report("relay", "what the stop cut short goes on when its lease ends", error: error)
            }
        }.value
    }

    /// Writes what became of batches that are over; what the database doesn't take now is kept for the next time.
    private func settle() async throws {
        let over = state.withLock { $0.takeOver() }
        guard !over.isEmpty else { return }
        do {
            let held = try await store.settleOutbox(confirmed: over.confirmed, unsent: over.unsent)
            // Dead letters among them are told in the same transaction.
            try await bisecting(over.refused) { some throws(PostgresError) in
                try await store.refuseOutbox(some)
            } alone: { refusal, error in
                await setAside(refusal, because: error)
            }
            if !held.isEmpty { state.withLock { $0.giveBack(over.only(held)) } }
        } catch {
            // A row that is settled twice isn't changed: its lease is gone.
            state.withLock { $0.giveBack(over) }
            throw error
        }
    }

    /// What can't be sent and can't be buried is kept by its bytes alone; until then its lease ends and it comes again.
    private func setAside(_ refusal: OutboxRefusal, because error: PostgresError) async {
        reporter.report("relay", "a message that can't be sent was not buried", error: error)
        let limit: Int? =
            switch error.fault {
            case .item: 2
            case .unclear: 4
            case .away, .starved, .contention: nil
            }
        guard let limit, failures.withLock({ $0.add(refusal.message.row) }) >= limit else { return }
        do {
            try await store.setAsideOutbox(refusal.message, because: error)
        } catch {
            reporter.report("relay", "a message that can't be sent was not set aside", error: error)
        }
    }

    private func publish(_ batch: [OutboxMessage]) async {
        var settlement = RelaySettlement()
        let relay = RelayBatch(publisher: publisher, patience: patience)
        let problem =
            state.withLock { $0.isStuck(batch[0].destination) }
            ? await relay.publishOneByOne(batch, into: &settlement) : await relay.publish(batch, into: &settlement)
        if let problem, !Task.isCancelled {
            reporter.report(
                "relay", "the broker did not take everything; what it left waits", error: problem,
                details: [.exchange: batch[0].exchange, .routingKey: batch[0].routingKey])
        }
        if !settlement.dropped.isEmpty {
            reporter.report(
                "relay", "outcomes were dropped: the queue they were asked for is gone", failureClass: .invalidInput,
                details: [.queue: batch[0].routingKey, .count: "\(settlement.dropped.count)"])
        }
        state.withLock { $0.end(batch[0].destination, settlement, trouble: problem.map { "\($0)" }, at: .now) }
        wake()
    }
}
