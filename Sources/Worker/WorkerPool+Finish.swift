internal import AMQP
internal import CoreMetrics
internal import FoundationEssentials
internal import Logging
internal import Postgres
internal import Publisher
internal import Reporting
internal import Store
internal import Synchronization
internal import Telemetry
internal import WorkOrders

extension WorkerPool {
    /// Writes the ends of attempts, in one commit. Returns whether there was anything.
    func flushFinishes() async -> Bool {
        let taken = state.withLock { $0.takeFinishes(upTo: configuration.batch) }
        guard !taken.isEmpty else { return false }
        let tries = taken.map { FinishTry(lane: $0.lane, item: $0.item) }
        let started = ContinuousClock.now
        await finishUntilTaken(tries)
        metrics.finishSeconds.record(ContinuousClock.now - started)
        await resumePaused()
        return true
    }

    /// Asks until the database answers. An end is never dropped: without it the lease expires and the order is rescued.
    private func finishUntilTaken(_ tries: [FinishTry]) async {
        var attempt = 0
        while !Task.isCancelled {
            guard case .away(let error) = await ends.write(tries, finishActions) else { return databaseAnswered() }
            await databaseFailed(error, attempt: attempt, during: "finish")
            attempt += 1
        }
    }

    var finishActions: IsolatingWriter<FinishTry>.Actions {
        .init(
            write: { tries, isApart throws(PostgresError) in
                let store = isApart ? self.control : self.store
                self.settle(tries, try await store.finish(tries.map(\.item), worker: self.configuration.id))
                if isApart { await self.resumePaused() }
            },
            canary: { () throws(PostgresError) in
                // Of an order that doesn't exist: it changes nothing.
                let nobody = FinishItem(
                    id: UUID(), token: 0, ending: .interrupted, report: AttemptReport(didStart: false), handler: "",
                    duration: .zero)
                _ = try await self.control.finish([nobody], worker: self.configuration.id)
            },
            putAside: { await self.refuse($0, because: $1) },
            failed: { self.isolationFailed("finish", $0, $1) })
    }

    /// What became of ends: their slots are free.
    private func settle(_ tries: [FinishTry], _ accepted: [Bool]) {
        state.withLock { state in
            for entry in tries {
                let key = LeaseKey(id: entry.item.id, token: entry.item.token)
                state.jobs[key] = nil
                state.ended.remove(key)
                state.lanes[entry.lane].running -= 1
            }
        }
        for (name, group) in Dictionary(grouping: tries, by: \.item.ending.name) { metrics.finished(name, group.count) }
        let refused = zip(tries, accepted).filter { !$1 }.map { $0.0.item.id }
        if !refused.isEmpty {
            metrics.finished("refused", refused.count)
            logger.warning(
                "ends came too late: another claim holds these orders; their cost is recorded",
                metadata: ["work_orders": "\(refused.map(\.text))"])
        }
        // Retries, events and releases are in the outbox now.
        if tries.contains(where: { $0.item.ending != .completed }) { relay.wake() }
        wakeClaims()
    }

    /// First without what the handler wrote, then with nothing but the cost; in the end the slot is free in any case.
    private func refuse(_ entry: FinishTry, because error: PostgresError) async -> Bool {
        let item = entry.item
        logger.error(
            "the end of an attempt was refused by the database again and again",
            metadata: ["work_order": "\(item.id.text)", "error": "\(error)"])
        guard entry.isPlain else {
            ends.writeAlone([FinishTry(lane: entry.lane, item: item.plain, isPlain: true)])
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

    func databaseAnswered() {
        state.withLock { $0.databaseTrouble = nil }
    }

    /// Says so, and waits a little longer each time, up to 2 s, with jitter, so that workers don't return in step. A
    /// database that is away costs more time on top: the statement waits for a connection first.
    func databaseFailed(_ error: PostgresError, attempt: Int, during operation: String) async {
        state.withLock { $0.databaseTrouble = "\(error)" }
        if attempt == 0 || attempt % 10 == 0 {
            reporter.report(operation, "the database did not take it; work waits and tries again", error: error)
        }
        // Cancelled: the caller's loop sees it.
        try? await Task.sleep(
            for: min(.seconds(2), .milliseconds(100) * (1 << min(attempt, 6))) * Double.random(in: 0.5...1))
    }
}

/// The end of an attempt on its way into the database.
struct FinishTry: Sendable {
    let lane: Int
    let item: FinishItem
    /// It carries nothing any more that a handler wrote.
    var isPlain = false
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
