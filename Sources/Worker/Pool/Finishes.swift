internal import CoreMetrics
internal import FoundationEssentials
internal import Logging
internal import Postgres
internal import Publisher
internal import Reporting
internal import Store
internal import Telemetry
internal import WorkOrders

/// The end of an attempt on its way into the database.
struct FinishTry: Sendable {
    let lane: Int
    let item: FinishItem
    /// It carries nothing any more that a handler wrote.
    var isPlain = false

    var key: LeaseKey { LeaseKey(id: item.id, token: item.token) }
    /// Of what its handler wrote.
    var bytes: Int { (item.report.result?.count ?? 0) + (item.report.output?.utf8.count ?? 0) }
}

/// Writes the ends of attempts, one statement at a time, with all that waits in the next. What fails is tried apart. An end
/// is never dropped: without it the lease expires and the order is rescued.
final class Finishes: Sendable {
    private let worker: UUID
    private let batch: Int
    private let board: PoolBoard
    private let intake: Intake
    private let store: Store
    private let control: Store
    private let relay: OutboxRelay
    private let patience: DatabasePatience
    private let reporter: Reporter
    private let logger: Logger
    private let metrics: WorkerMetrics
    private let writer = IsolatingWriter<FinishTry>()

    /// - Parameters:
    ///   - batch: the most ends one statement takes.
    ///   - store: for batches; a connection of its own.
    ///   - control: for what is apart.
    init(
        worker: UUID, batch: Int, board: PoolBoard, intake: Intake, store: Store, control: Store, relay: OutboxRelay,
        patience: DatabasePatience, reporter: Reporter, logger: Logger, metrics: WorkerMetrics
    ) {
        self.worker = worker
        self.batch = batch
        self.board = board
        self.intake = intake
        self.store = store
        self.control = control
        self.relay = relay
        self.patience = patience
        self.reporter = reporter
        self.logger = logger
        self.metrics = metrics
    }

    /// Nil while ends are written, or none waits.
    var trouble: String? { writer.trouble("ends of attempts are not written") }

    /// Writes whenever it is rung, until the task is cancelled.
    func run() async {
        for await _ in board.finishRings {
            while !Task.isCancelled {
                let tries = board.change { $0.takeFinishes(upTo: batch) }
                if tries.isEmpty { break }
                let started = ContinuousClock.now
                await writeUntilTaken(tries)
                metrics.finishSeconds.record(ContinuousClock.now - started)
                await intake.resume()
            }
            metrics.show(board)
        }
    }

    /// Tries what is apart, until the task is cancelled.
    func runApart() async { await writer.run(actions) }

    private func writeUntilTaken(_ tries: [FinishTry]) async {
        var attempt = 0
        while !Task.isCancelled {
            guard case .away(let error) = await writer.write(tries, actions) else { return patience.answered() }
            await patience.failed(error, attempt: attempt, during: "finish")
            attempt += 1
        }
    }

    private var actions: IsolatingWriter<FinishTry>.Actions {
        .init(
            write: { tries, isApart throws(PostgresError) in
                let store = isApart ? self.control : self.store
                self.settle(tries, try await store.finish(tries.map(\.item), worker: self.worker))
                if isApart { await self.intake.resume() }
            },
            canary: { () throws(PostgresError) in
                // Of an order that doesn't exist: it changes nothing.
                let nobody = FinishItem(
                    id: UUID(), token: 0, ending: .interrupted, report: AttemptReport(didStart: false), handler: "",
                    duration: .zero)
                _ = try await self.control.finish([nobody], worker: self.worker)
            },
            putAside: { await self.refuse($0, because: $1) },
            failed: { self.patience.isolated("finish", $0, $1) })
    }

    /// What became of ends: their slots are free.
    private func settle(_ tries: [FinishTry], _ accepted: [Bool]) {
        board.change { $0.settle(tries) }
        var counts = Tally()
        for entry in tries { counts.add(entry.item.ending.name) }
        for (name, count) in counts.all { metrics.finished(name, count) }
        let refused = zip(tries, accepted).filter { !$1 }.map { $0.0.item.id }
        if !refused.isEmpty {
            metrics.finished("refused", refused.count)
            logger.warning(
                "ends came too late: another claim holds these orders; their cost is recorded",
                metadata: ["work_orders": "\(refused.map(\.text))"])
        }
        // Retries, events and releases are in the outbox now.
        if tries.contains(where: { $0.item.ending != .completed }) { relay.wake() }
    }

    /// First without what the handler wrote, then with nothing but the cost; in the end the slot is free in any case.
    private func refuse(_ entry: FinishTry, because error: PostgresError) async -> Bool {
        let item = entry.item
        logger.error(
            "the end of an attempt was refused by the database again and again",
            metadata: ["work_order": "\(item.id.text)", "error": "\(error)"])
        guard entry.isPlain else {
            writer.writeAlone([FinishTry(lane: entry.lane, item: item.plain, isPlain: true)])
            return true
        }
        var isEnded = false
        do throws(PostgresError) {
            isEnded = try await control.endRefused(
                item.id, token: item.token, didStart: item.report.didStart, cost: item.report.cost, because: error)
        } catch {
            guard error.fault != .away, error.fault != .starved else { return false }
            reporter.report(
                "finish", "the database refused the end of an attempt; its lease will be rescued", error: error,
                workOrder: item.id, severity: .critical)
        }
        settle([entry], [isEnded])
        return true
    }
}

extension FinishItem {
    /// The same end without anything the database could refuse in it, as a failure. The cost stays.
    fileprivate var plain: FinishItem {
        var plain = self
        plain.report.result = nil
        plain.report.output = nil
        plain.report.pullRequest = nil
        plain.ending = .failed(
            AttemptFailure(.malformedOutput, "the database refused the result", retry: .never))
        return plain
    }
}
