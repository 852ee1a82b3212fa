internal import AMQP
internal import CoreMetrics
internal import DequeModule
internal import FoundationEssentials
internal import Logging
internal import Messaging
internal import Postgres
internal import Publisher
internal import Reporting
internal import Store
internal import Synchronization
internal import Telemetry
internal import WorkOrders

extension WorkerPool {
    /// Claims what waits for free slots, in one commit; acknowledges; starts what may run.
    /// - Returns: whether there was anything.
    func claimWaiting() async -> Bool {
        let taken = state.withLock { state in
            let taken = state.takeClaimable(upTo: configuration.batch)
            for entry in taken { state.lanes[entry.lane].running += 1 }
            return taken
        }
        guard !taken.isEmpty else { return false }
        await claim(taken, park: false)
        return true
    }

    /// Judges a batch; each delivery is acknowledged only after the commit that decided it. What fails goes apart and
    /// keeps no slot meanwhile.
    func claim(_ taken: [(lane: Int, delivery: Delivery)], park: Bool) async {
        var tries: [ClaimTry] = []
        var burials: [(lane: Int, burial: Burial)] = []
        var ids: Set<UUID> = []
        var repeated: [(lane: Int, delivery: Delivery)] = []
        let claim = UUID()
        for entry in taken {
            do throws(InvalidMessage) {
                let item = try claimItem(entry.delivery, lane: configuration.lanes[entry.lane].name)
                if ids.insert(item.id).inserted {
                    tries.append(ClaimTry(lane: entry.lane, delivery: entry.delivery, item: item, claim: claim))
                } else {
                    repeated.append(entry)
                }
            } catch {
                burials.append((entry.lane, burial(DeadLetter(error, entry.delivery), of: entry.delivery, entry.lane)))
            }
        }
        putBack(repeated, parked: park)
        noteAge(of: tries.map(\.item))
        let started = ContinuousClock.now
        if await !claimUntilTaken(tries, park: park), !park { freeSlots(of: tries.map(\.lane)) }
        await bury(burials.map(\.burial))
        if !park { freeSlots(of: burials.map(\.lane)) }
        metrics.claimSeconds.record(ContinuousClock.now - started)
    }

    /// Asks until the database answers. False: the verdicts don't come here, because the batch went apart or the worker
    /// stops; then what is missing goes back to the broker.
    private func claimUntilTaken(_ tries: [ClaimTry], park: Bool) async -> Bool {
        var attempt = 0
        while !Task.isCancelled {
            switch await claims.write(tries, claimActions(park: park)) {
            case .written:
                databaseAnswered()
                return true
            case .isolated:
                databaseAnswered()
                return false
            case .away(let error):
                await databaseFailed(error, attempt: attempt, during: "claim")
                attempt += 1
            }
            if state.withLock({ $0.isStopping }) { return false }
        }
        return false
    }

    private var claimTerms: ClaimTerms {
        ClaimTerms(
            worker: configuration.id, lease: configuration.lease,
            unknownKindGrace: configuration.unknownKindGrace, kinds: handlers.terms)
    }

    func claimActions(park: Bool) -> IsolatingWriter<ClaimTry>.Actions {
        .init(
            write: { tries, isApart throws(PostgresError) in
                if isApart {
                    try await self.claimApart(tries)
                } else {
                    let verdicts = try await self.store.claim(
                        tries.map(\.item), claim: tries[0].claim, terms: self.claimTerms, park: park)
                    await self.settle(tries, verdicts, park: park)
                }
            },
            canary: { () throws(PostgresError) in
                _ = try await self.control.claim([], claim: UUID(), terms: self.claimTerms, isCanary: true)
            },
            putAside: { await self.refuse($0, because: $1) },
            failed: { self.isolationFailed("claim", $0, $1) })
    }

    /// Out of the ward: with slots of their own where some are free, else to be rung again.
    private func claimApart(_ tries: [ClaimTry]) async throws(PostgresError) {
        let lanes = tries.map(\.lane)
        let hasSlots = try reserveSlots(lanes)
        do throws(PostgresError) {
            let verdicts = try await control.claim(
                tries.map(\.item), claim: tries[0].claim, terms: claimTerms, park: !hasSlots)
            await settle(tries, verdicts, park: !hasSlots)
        } catch {
            if hasSlots { freeSlots(of: lanes) }
            throw error
        }
    }

    /// - Throws: when the worker stops, which starts nothing more.
    private func reserveSlots(_ lanes: [Int]) throws(PostgresError) -> Bool {
        let reserved = state.withLock { state -> Bool? in
            guard !state.isStopping else { return nil }
            let needs = Dictionary(lanes.map { ($0, 1) }, uniquingKeysWith: +)
            guard needs.allSatisfy({ state.lanes[$0.key].free >= $0.value }) else { return false }
            for (lane, count) in needs { state.lanes[lane].running += count }
            return true
        }
        guard let reserved else { throw .cancelled(wasSent: false) }
        return reserved
    }

    /// Rings always: what came while a claim that is tried apart had the last slot waits for nobody else's ring.
    private func freeSlots(of lanes: [Int]) {
        guard !lanes.isEmpty else { return }
        state.withLock { state in
            for lane in lanes { state.lanes[lane].running -= 1 }
        }
        wakeClaims()
    }

    private func settle(_ tries: [ClaimTry], _ verdicts: [ClaimVerdict], park: Bool) async {
        var counts: [String: Int] = [:]
        var freed: [Int] = []
        var grants: [(lane: Int, item: ClaimItem, grant: ClaimVerdict.Grant)] = []
        // What is refused for its id has its letter by now, but without the properties that came: those follow before the ack.
        let refused = Set(verdicts.indices.filter { verdicts[$0].isRefusedForItsID })
        let isComplete = await completeLetters(of: refused.map { tries[$0].delivery })
        for (entry, verdict) in zip(tries, verdicts) {
            counts[verdict.label, default: 0] += 1
            if case .run(let grant) = verdict {
                grants.append((entry.lane, entry.item, grant))
            } else if !park {
                freed.append(entry.lane)
            }
        }
        acknowledge(
            tries.indices.filter { isComplete || !refused.contains($0) }.map { (tries[$0].lane, tries[$0].delivery) })
        for (label, count) in counts { metrics.claimed(label, count) }
        // Doorbells and events are in the outbox now.
        if grants.count + counts["duplicate", default: 0] < tries.count { relay.wake() }
        freeSlots(of: freed)
        // Granted by an earlier try whose answer was lost: it runs, slot or not.
        if park { state.withLock { state in for grant in grants { state.lanes[grant.lane].running += 1 } } }
        start(grants)
    }

    private func claimItem(_ delivery: Delivery, lane: String) throws(InvalidMessage) -> ClaimItem {
        guard !delivery.isCut else {
            throw InvalidMessage(
                .oversize, "the body has \(delivery.bodySize) bytes; the limit is \(configuration.maxMessageBytes)")
        }
        var form = try WorkOrderMessage.decode(
            delivery.body, messageID: delivery.properties.messageID, lane: lane,
            isDoorbell: delivery.properties.type == MessageType.doorbell, limit: configuration.maxMessageBytes)
        if case .order(var message) = form {
            // The queue it came from is its lane: retries then take the same way.
            message.lane = lane
            if message.estimate == nil, let entry = handlers[message.kind], entry.defaultEstimate == nil {
                throw InvalidMessage(
                    .unknownPrice, "no estimated_cost_usd, and the kind \(message.kind) has no default price")
            }
            form = .order(message)
        }
        return ClaimItem(
            form: form, body: delivery.body, appID: delivery.properties.appID, replyTo: delivery.properties.replyTo,
            correlationID: delivery.properties.correlationID,
            traceparent: delivery.properties.headers["traceparent"]?.text, properties: delivery.wire.bytes)
    }

    /// A message that can't be claimed becomes a dead letter; an order that stands in the database already, fails.
    private func refuse(_ entry: ClaimTry, because error: PostgresError) async -> Bool {
        logger.error(
            "a claim was refused by the database again and again",
            metadata: ["work_order": "\(entry.item.id.text)", "error": "\(error)"])
        switch entry.item.form {
        case .order:
            let problem = InvalidMessage(
                .refused, "the database refused it (SQLSTATE \(error.sqlState ?? "unknown"))")
            letters.buryAlone([burial(DeadLetter(problem, entry.delivery), of: entry.delivery, entry.lane)])
        case .doorbell(let id):
            do throws(PostgresError) {
                _ = try await control.endRefused(id, token: nil, because: error)
            } catch {
                guard error.fault != .away, error.fault != .starved else { return false }
                reporter.report(
                    "claim", "an order can neither be claimed nor be failed; the sweep will ring for it again",
                    error: error, workOrder: id, severity: .critical)
            }
            acknowledge([(entry.lane, entry.delivery)])
            relay.wake()
        }
        return true
    }

    private func burial(_ letter: DeadLetter, of delivery: Delivery, _ lane: Int) -> Burial {
        Burial(letter) { self.acknowledge([(lane, delivery)]) }
    }

    /// Writes dead letters, until the database takes them or they are apart. When the worker stops first, they go back.
    private func bury(_ burials: [Burial]) async {
        var burials = burials
        var attempt = 0
        while !burials.isEmpty, !Task.isCancelled {
            guard let error = await letters.bury(burials) else {
                databaseAnswered()
                return
            }
            burials = burials.map { LetterDesk.again($0, after: error) }
            await databaseFailed(error, attempt: attempt, during: "bury")
            attempt += 1
            if state.withLock({ $0.isStopping }) { return }
        }
    }

    /// Says of what failed for other reasons than an absent database, and is tried apart now.
    func isolationFailed(_ operation: String, _ error: PostgresError, _ count: Int) {
        guard error.fault != .away else { return }
        reporter.report(
            operation, "the database did not take it; it is tried apart from the others", error: error,
            details: [.items: "\(count)"])
    }

    private func putBack(_ entries: [(lane: Int, delivery: Delivery)], parked: Bool) {
        guard !entries.isEmpty else { return }
        state.withLock { state in
            for entry in entries.reversed() {
                state.lanes[entry.lane].waiting.prepend(.init(delivery: entry.delivery, since: .now))
            }
        }
        if !parked { freeSlots(of: entries.map(\.lane)) }
    }

    func acknowledge(_ entries: [(lane: Int, delivery: Delivery)]) {
        let subscriptions = subscriptions.withLock { $0 }
        for (lane, group) in Dictionary(grouping: entries, by: \.lane) {
            subscriptions[lane].acknowledge(group.map(\.delivery.tag))
        }
    }
}

/// A delivery on its way into the database. Its claim's name stays, however often it is tried: what was granted and not
/// heard of is found again.
struct ClaimTry: Sendable {
    let lane: Int
    let delivery: Delivery
    let item: ClaimItem
    let claim: UUID
}

extension FieldValue {
    var text: String? {
        switch self {
        case .string(let text): text
        default: nil
        }
    }
}
