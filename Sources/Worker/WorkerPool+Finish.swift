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
        let started = ContinuousClock.now
        let accepted = await finishUntilDone(taken.map(\.item))
        metrics.finishSeconds.record(ContinuousClock.now - started)
        state.withLock { state in
            for (lane, item) in taken {
                let key = LeaseKey(id: item.id, token: item.token)
                state.jobs[key] = nil
                state.ended.remove(key)
                state.lanes[lane].running -= 1
            }
        }
        for (name, group) in Dictionary(grouping: taken, by: \.item.ending.name) { metrics.finished(name, group.count) }
        let refused = zip(taken, accepted).filter { !$1 }.map { $0.0.item.id }
        if !refused.isEmpty {
            metrics.finished("refused", refused.count)
            logger.warning(
                "ends came too late: another claim holds these orders; their cost is recorded",
                metadata: ["work_orders": "\(refused.map(\.text))"])
        }
        // Retries, events and releases are in the outbox now.
        if taken.contains(where: { $0.item.ending != .completed }) { relay.wake() }
        await resumePaused()
        return true
    }

    /// Asks until the database answers. An end is never dropped: without it the lease expires and the order is rescued.
    private func finishUntilDone(_ items: [FinishItem]) async -> [Bool] {
        var attempt = 0
        while !Task.isCancelled {
            do throws(PostgresError) {
                let accepted = try await store.finish(items, worker: configuration.id)
                databaseAnswered()
                return accepted
            } catch {
                if error.isDataFault {
                    if items.count > 1 {
                        let middle = items.count / 2
                        return await finishUntilDone(Array(items[..<middle]))
                            + (await finishUntilDone(Array(items[middle...])))
                    }
                    if let plain = items[0].stripped {
                        logger.error(
                            "a result was refused by the database",
                            metadata: ["work_order": "\(items[0].id.text)", "error": "\(error)"])
                        return await finishUntilDone([plain])
                    }
                    reporter.report(
                        "finish", "the database refused the end of an attempt; its lease will be rescued", error: error,
                        workOrder: items[0].id, severity: .critical)
                    return [false]
                }
                await databaseFailed(error, attempt: attempt, during: "finish")
                attempt += 1
            }
        }
        return items.map { _ in false }
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

extension FinishItem {
    /// The same end without what the database refused, as a failure; nil when nothing is left to leave out.
    fileprivate var stripped: FinishItem? {
        guard report.result != nil || report.output != nil else { return nil }
        var plain = self
        plain.report.result = nil
        plain.report.output = nil
        plain.ending = .failed(
            AttemptFailure(.malformedOutput, "the database refused the result", retry: .never))
        return plain
    }
}
