internal import AMQP
internal import CoreMetrics
internal import DequeModule
internal import FoundationEssentials
internal import Logging
internal import Messaging
internal import Postgres
internal import Publisher
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

    /// Judges a batch; each delivery is acknowledged only after the commit that decided it.
    func claim(_ taken: [(lane: Int, delivery: Delivery)], park: Bool) async {
        var items: [ClaimItem] = []
        var sources: [Int] = []
        var letters: [DeadLetter] = []
        var buried: [Int] = []
        var ids: Set<UUID> = []
        var repeated: [Int] = []
        for (index, entry) in taken.enumerated() {
            do throws(InvalidMessage) {
                let item = try claimItem(entry.delivery, lane: configuration.lanes[entry.lane].name)
                if ids.insert(item.id).inserted {
                    items.append(item)
                    sources.append(index)
                } else {
                    repeated.append(index)
                }
            } catch {
                letters.append(DeadLetter(error, entry.delivery))
                buried.append(index)
            }
        }
        putBack(repeated.map { taken[$0] }, parked: park)
        noteAge(of: items)
        let started = ContinuousClock.now
        let verdicts = await claimUntilDone(items, park: park)
        let isBuried = await bury(letters)
        let refused = Set(verdicts.indices.filter { verdicts[$0].isRefusedForItsID })
        let isComplete = await completeLetters(of: refused.map { taken[sources[$0]].delivery })
        metrics.claimSeconds.record(ContinuousClock.now - started)
        var acknowledged: [Int] = isBuried ? buried : []
        var counts: [String: Int] = [:]
        var freed = park ? [] : buried
        var grants: [(lane: Int, item: ClaimItem, grant: ClaimVerdict.Grant)] = []
        for (position, verdict) in verdicts.enumerated() {
            let index = sources[position]
            if isComplete || !refused.contains(position) { acknowledged.append(index) }
            counts[verdict.label, default: 0] += 1
            if case .run(let grant) = verdict {
                grants.append((taken[index].lane, items[position], grant))
            } else if !park {
                freed.append(index)
            }
        }
        if !park, verdicts.count < items.count { freed.append(contentsOf: sources[verdicts.count...]) }
        acknowledge(acknowledged.map { taken[$0] })
        for (label, count) in counts { metrics.claimed(label, count) }
        // Doorbells and events are in the outbox now.
        if grants.count + counts["duplicate", default: 0] < taken.count { relay.wake() }
        state.withLock { state in
            for index in freed { state.lanes[taken[index].lane].running -= 1 }
        }
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

    /// Asks until the database answers; a batch it can't take is split until the one bad item stands alone.
    /// An incomplete answer means the worker stops: what is missing goes back to the broker.
    private func claimUntilDone(_ items: [ClaimItem], park: Bool) async -> [ClaimVerdict] {
        let claim = UUID()
        let terms = ClaimTerms(
            worker: configuration.id, lease: configuration.lease,
            unknownKindGrace: configuration.unknownKindGrace, kinds: handlers.terms)
        var attempt = 0
        while !Task.isCancelled {
            do throws(PostgresError) {
                let verdicts = try await store.claim(items, claim: claim, terms: terms, park: park)
                databaseAnswered()
                return verdicts
            } catch {
                if error.isDataFault {
                    guard items.count > 1 else {
                        // It becomes a dead letter, and that is an event of its own.
                        logger.error("a message was refused by the database", metadata: ["error": "\(error)"])
                        return await refuse(items[0], because: error) ? [.invalid(reason: "refused")] : []
                    }
                    let middle = items.count / 2
                    let first = await claimUntilDone(Array(items[..<middle]), park: park)
                    guard first.count == middle else { return first }
                    return first + (await claimUntilDone(Array(items[middle...]), park: park))
                }
                await databaseFailed(error, attempt: attempt, during: "claim")
                attempt += 1
            }
            if state.withLock({ $0.isStopping }) { return [] }
        }
        return []
    }

    private func refuse(_ item: ClaimItem, because error: PostgresError) async -> Bool {
        var lane = ""
        if case .order(let order) = item.form { lane = order.lane }
        let properties = WireProperties(bytes: item.properties)
        var letter = DeadLetter(
            reason: .refused, explanation: "the database refused it (SQLSTATE \(error.sqlState ?? "unknown"))",
            workOrderID: item.id, exchange: MooseTopology.workExchange, routingKey: lane, body: item.body,
            headers: properties.readable.json, isRedelivered: false)
        letter.properties = properties.bytes
        return await bury([letter])
    }

    /// Writes dead letters until the database takes them. False: the worker stops first, and they go back.
    func bury(_ letters: [DeadLetter]) async -> Bool {
        guard !letters.isEmpty else { return true }
        var letters = letters
        var attempt = 0
        while !Task.isCancelled {
            do {
                _ = try await store.bury(letters)
                databaseAnswered()
                for (reason, group) in Dictionary(grouping: letters, by: \.reason) {
                    metrics.buried(reason.rawValue, group.count)
                }
                return true
            } catch {
                // It may have been written before the answer was lost: then it must not be written again.
                for index in letters.indices { letters[index].comesAgain() }
                await databaseFailed(error, attempt: attempt, during: "bury")
                attempt += 1
                if state.withLock({ $0.isStopping }) { return false }
            }
        }
        return false
    }

    private func putBack(_ entries: [(lane: Int, delivery: Delivery)], parked: Bool) {
        guard !entries.isEmpty else { return }
        state.withLock { state in
            for entry in entries.reversed() {
                if !parked { state.lanes[entry.lane].running -= 1 }
                state.lanes[entry.lane].waiting.prepend(.init(delivery: entry.delivery, since: .now))
            }
        }
    }

    private func acknowledge(_ entries: [(lane: Int, delivery: Delivery)]) {
        let subscriptions = subscriptions.withLock { $0 }
        for (lane, group) in Dictionary(grouping: entries, by: \.lane) {
            subscriptions[lane].acknowledge(group.map(\.delivery.tag))
        }
    }
}

extension FieldValue {
    var text: String? {
        switch self {
        case .string(let text): text
        default: nil
        }
    }
}
