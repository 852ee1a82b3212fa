internal import AMQP
internal import CoreMetrics
internal import FoundationEssentials
internal import Logging
internal import Messaging
internal import Postgres
internal import Publisher
internal import Reporting
internal import Store
internal import Telemetry
internal import WorkOrders

/// Claims what waits for free slots, one statement at a time, with all that waits in the next: acknowledges what the
/// commit decided, starts what may run. What fails is tried apart, beside what comes next.
final class Claims: Sendable {
    private let reader: OrderReader
    private let batch: Int
    private let board: PoolBoard
    private let intake: Intake
    private let jobs: Jobs
    private let store: Store
    private let control: Store
    private let letters: LetterDesk
    private let relay: OutboxRelay
    private let patience: DatabasePatience
    private let reporter: Reporter
    private let logger: Logger
    private let metrics: WorkerMetrics
    private let writer = IsolatingWriter<ClaimTry>()

    /// - Parameters:
    ///   - batch: the most deliveries one claim takes.
    ///   - store: for batches; a connection of its own.
    ///   - control: for what is apart.
    init(
        reader: OrderReader, batch: Int, board: PoolBoard, intake: Intake, jobs: Jobs, store: Store, control: Store,
        letters: LetterDesk, relay: OutboxRelay, patience: DatabasePatience, reporter: Reporter, logger: Logger,
        metrics: WorkerMetrics
    ) {
        self.reader = reader
        self.batch = batch
        self.board = board
        self.intake = intake
        self.jobs = jobs
        self.store = store
        self.control = control
        self.letters = letters
        self.relay = relay
        self.patience = patience
        self.reporter = reporter
        self.logger = logger
        self.metrics = metrics
    }

    /// Nil while claims are answered, or none waits.
    var trouble: String? { writer.trouble("claims are not answered") }
    /// How many are tried apart.
    var isolated: Int { writer.isolated }

    /// How many of a lane are apart and wait.
    func isolated(lane: Int) -> Int { writer.isolated { $0.lane == lane } }

    /// Claims whenever it is rung, until the task is cancelled.
    func run() async {
        for await _ in board.claimRings {
            while !Task.isCancelled {
                let (counts, taken) = board.change { state in
                    let counts = state.takeFromLine(upTo: batch)
                    return (counts, state.takeClaimable(upTo: batch))
                }
                if counts.isEmpty, taken.isEmpty { break }
                if !counts.isEmpty { await takeFromLine(counts) }
                if !taken.isEmpty { await claim(taken, park: false) }
            }
            metrics.show(board)
        }
    }

    /// Tries what is apart, until the task is cancelled.
    func runApart() async { await writer.run(actions(park: false)) }

    /// Judges a batch; each delivery is acknowledged only after the commit that decided it. What fails goes apart and
    /// keeps no slot meanwhile.
    ///
    /// - Parameter park: they have no slots: they are registered.
    func claim(_ taken: [Taken], park: Bool) async {
        let batch = ClaimBatch(taken, reader: reader)
        if !batch.repeated.isEmpty {
            board.change { $0.putBack(batch.repeated, at: .now) }
            if !park { free(batch.repeated) }
        }
        if let age = batch.oldestAge(at: Date()) { board.change { $0.noteAge(age, at: .now) } }
        let started = ContinuousClock.now
        if await !writeUntilTaken(batch.tries, park: park), !park { free(batch.tries.map(\.taken)) }
        await bury(batch.invalid)
        if !park { free(batch.invalid.map(\.taken)) }
        metrics.claimSeconds.record(ContinuousClock.now - started)
    }

    // MARK: The line

    /// Takes from the line for slots that are reserved. Taken together they fail together: then they are claimed one by
    /// one, as if each had been delivered.
    private func takeFromLine(_ counts: [Int: Int]) async {
        let names = reader.lanes
        let wanted = Dictionary(uniqueKeysWithValues: counts.map { (names[$0], $1) })
        let claim = UUID()
        let started = ContinuousClock.now
        var attempt = 0
        while !Task.isCancelled {
            do throws(PostgresError) {
                let taken = try await store.take(wanted, claim: claim, terms: reader.terms, isRepeated: attempt > 0)
                patience.answered()
                settle(taken, counts)
                return metrics.claimSeconds.record(ContinuousClock.now - started)
            } catch {
                // What it may have granted is asked for again, by the same name.
                guard error.fault == .away || error.fault == .starved || error.mayHaveCommitted && attempt < 10 else {
                    patience.isolated("claim", error, counts.values.reduce(0, +))
                    return await claimOneByOne(wanted, counts)
                }
                await patience.failed(error, attempt: attempt, during: "claim")
                attempt += 1
                if board.look(\.isStopping) { break }
            }
        }
        board.change { $0.release(counts.flatMap { Array(repeating: $0, count: $1) }) }
    }

    private func settle(_ taken: [TakenOrder], _ counts: [Int: Int]) {
        var unused = counts
        var orders: [(lane: Int, order: ClaimedOrder)] = []
        var tally = Tally()
        var leavesWork = false
        for entry in taken {
            tally.add(entry.verdict.label)
            guard case .run(let order) = entry.verdict, let lane = reader.lanes.firstIndex(of: entry.lane) else {
                leavesWork = true
                continue
            }
            unused[lane, default: 0] -= 1
            orders.append((lane, order))
        }
        for (label, count) in tally.all { metrics.claimed(label, count) }
        if leavesWork { relay.wake() }
        let got = Dictionary(taken.map { ($0.lane, 1) }, uniquingKeysWith: +)
        board.change { state in
            state.release(unused.flatMap { Array(repeating: $0, count: max(0, $1)) })
            for (lane, count) in counts where got[reader.lanes[lane], default: 0] < count {
                state.endedLine(lane: lane)
            }
        }
        jobs.start(orders)
    }

    private func claimOneByOne(_ wanted: [String: Int], _ counts: [Int: Int]) async {
        // The next look finds whether it goes better then. Where nothing passes at all, not everything is tried apart.
        board.change { state in for lane in counts.keys { state.endedLine(lane: lane) } }
        guard counts.allSatisfy({ isolated(lane: $0.key) <= max(64, 2 * $0.value) }) else {
            return board.change { $0.release(counts.flatMap { Array(repeating: $0, count: $1) }) }
        }
        var left = counts
        do throws(PostgresError) {
            let taken = try await control.setApart(wanted).compactMap { id, name -> Taken? in
                guard let lane = reader.lanes.firstIndex(of: name) else { return nil }
                left[lane, default: 0] -= 1
                return Taken(lane: lane, delivery: .ofRegistered(id))
            }
            board.change { $0.release(left.flatMap { Array(repeating: $0, count: max(0, $1)) }) }
            await claim(taken, park: false)
        } catch {
            board.change { $0.release(counts.flatMap { Array(repeating: $0, count: $1) }) }
            await patience.failed(error, attempt: 0, during: "claim")
        }
    }

    private func free(_ entries: [Taken]) { board.change { $0.release(entries.map(\.lane)) } }

    /// Asks until the database answers. False: the verdicts don't come here, because the batch went apart or the worker
    /// stops; then what is missing goes back to the broker.
    private func writeUntilTaken(_ tries: [ClaimTry], park: Bool) async -> Bool {
        var attempt = 0
        while !Task.isCancelled {
            switch await writer.write(tries, actions(park: park)) {
            case .written:
                patience.answered()
                return true
            case .isolated:
                patience.answered()
                return false
            case .away(let error):
                await patience.failed(error, attempt: attempt, during: "claim")
                attempt += 1
            }
            if board.look(\.isStopping) { return false }
        }
        return false
    }

    private func actions(park: Bool) -> IsolatingWriter<ClaimTry>.Actions {
        .init(
            write: { tries, isApart throws(PostgresError) in
                if isApart {
                    try await self.claimApart(tries)
                } else {
                    try await self.write(tries, to: self.store, park: park)
                }
            },
            canary: { () throws(PostgresError) in
                _ = try await self.control.claim([], claim: UUID(), terms: self.reader.terms, isCanary: true)
            },
            putAside: { await self.refuse($0, because: $1) },
            failed: { self.patience.isolated("claim", $0, $1) })
    }

    private func write(_ tries: [ClaimTry], to store: Store, park: Bool) async throws(PostgresError) {
        let verdicts = try await store.claim(
            tries.map(\.item), claim: tries[0].claim, terms: reader.terms, park: park)
        await settle(ClaimBatch.meaning(of: verdicts, for: tries), park: park)
    }

    /// Out of the ward: with slots of their own where some are free, else registered.
    private func claimApart(_ tries: [ClaimTry]) async throws(PostgresError) {
        let lanes = tries.map(\.lane)
        let reservation = board.change { $0.reserve(lanes) }
        guard reservation != .stopping else { throw .cancelled(wasSent: false) }
        do throws(PostgresError) {
            try await write(tries, to: control, park: reservation == .full)
        } catch {
            if reservation == .reserved { board.change { $0.release(lanes) } }
            throw error
        }
    }

    /// Does what the verdicts mean.
    private func settle(_ meaning: ClaimBatch.Meaning, park: Bool) async {
        // First the letters, whose deliveries must not be acknowledged before.
        let isComplete = await completeLetters(of: meaning.refused)
        intake.acknowledge(isComplete ? meaning.answered + meaning.refused : meaning.answered)
        for (label, count) in meaning.counts.all { metrics.claimed(label, count) }
        if meaning.leavesWork { relay.wake() }
        board.change { state in
            if park {
                // Granted by an earlier try whose answer was lost: it runs, slot or not.
                state.take(meaning.orders.map(\.lane))
            } else {
                state.release(meaning.freed)
            }
        }
        jobs.start(meaning.orders)
    }

    /// Adds to the letters of claims that the database refused for their ids what a claim doesn't carry: the message's
    /// properties, as they came.
    /// - Returns: false when the worker stops first: then the messages go back.
    private func completeLetters(of refused: [Taken]) async -> Bool {
        guard !refused.isEmpty else { return true }
        let letters = refused.map { DeadLetter(InvalidMessage(.idReused, ""), $0.delivery) }
        var attempt = 0
        while !Task.isCancelled {
            do throws(PostgresError) {
                try await store.completeLetters(letters)
                patience.answered()
                return true
            } catch {
                await patience.failed(error, attempt: attempt, during: "bury")
                attempt += 1
                if board.look(\.isStopping) { return false }
            }
        }
        return false
    }

    // MARK: What can't be claimed

    /// A message that can't be claimed becomes a dead letter; an order that stands in the database already, fails.
    private func refuse(_ entry: ClaimTry, because error: PostgresError) async -> Bool {
        logger.error(
            "a claim was refused by the database again and again",
            metadata: ["work_order": "\(entry.item.id.text)", "error": "\(error)"])
        switch entry.item.form {
        case .order:
            let problem = InvalidMessage(
                .refused, "the database refused it (SQLSTATE \(error.sqlState ?? "unknown"))")
            letters.buryAlone([burial(of: entry.taken, problem)])
        case .registered(let id):
            do throws(PostgresError) {
                _ = try await control.endRefused(id, token: nil, because: error)
            } catch {
                guard error.fault != .away, error.fault != .starved else { return false }
                reporter.report(
                    "claim", "an order can neither be claimed nor be failed; it will be tried again",
                    error: error, workOrder: id, severity: .critical)
            }
            intake.acknowledge([entry.taken])
            relay.wake()
        }
        return true
    }

    private func burial(of taken: Taken, _ why: InvalidMessage) -> Burial {
        Burial(DeadLetter(why, taken.delivery)) { self.intake.acknowledge([taken]) }
    }

    /// Writes dead letters, until the database takes them or they are apart. When the worker stops first, they go back.
    private func bury(_ invalid: [(taken: Taken, why: InvalidMessage)]) async {
        var burials = invalid.map { burial(of: $0.taken, $0.why) }
        var attempt = 0
        while !burials.isEmpty, !Task.isCancelled {
            guard let error = await letters.bury(burials) else {
                patience.answered()
                return
            }
            burials = burials.map { LetterDesk.again($0, after: error) }
            await patience.failed(error, attempt: attempt, during: "bury")
            attempt += 1
            if board.look(\.isStopping) { return }
        }
    }
}

extension Delivery {
    /// In the place of a message of an order that is registered already. No broker knows it: its tag is of no channel, so
    /// acknowledging it does nothing, and the claim judges the order by its row.
    fileprivate static func ofRegistered(_ id: UUID) -> Delivery {
        var properties = MessageProperties()
        properties.messageID = id.uuidString.lowercased()
        properties.type = MessageType.registered
        return Delivery(
            tag: DeliveryTag(epoch: 0, tag: 0), body: [], properties: properties, exchange: "", routingKey: "",
            redelivered: false)
    }
}
