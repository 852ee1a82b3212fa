internal import AMQP
internal import CoreMetrics
internal import DequeModule
internal import FoundationEssentials
internal import Logging
internal import Messaging
internal import Postgres
internal import Reporting
internal import Store
internal import Synchronization
internal import Telemetry
internal import WorkOrders

extension WorkerPool {
    /// Registers this process, so that other workers know which kinds are alive.
    func announce() async throws {
        try await control.announce(registration, running: running)
    }

    private var registration: WorkerRegistration {
        let kinds = handlers.entries.sorted { $0.key < $1.key }
        return WorkerRegistration(
            id: configuration.id, host: configuration.host, pid: Int32(ProcessInfo.processInfo.processIdentifier),
            version: "0.1.0", lanes: configuration.lanes.map(\.name), kinds: kinds.map(\.key),
            kindAttempts: kinds.map { $0.value.maxAttempts ?? configuration.defaultMaxAttempts },
            slots: state.withLock { $0.lanes.reduce(0) { $0 + $1.slots } }, isDraining: state.withLock(\.isStopping),
            supervisor: configuration.supervisor,
            residentBytes: ProcessMetrics.residentBytes().map { Int64($0) })
    }

    /// Renews the leases of everything that runs, and stops what was lost.
    func keepLeases() async {
        var pause = configuration.heartbeat
        while !Task.isCancelled {
            // Cancelled: the loop's condition ends it.
            try? await Task.sleep(for: pause)
            guard !Task.isCancelled else { return }
            self.lookAtControl()
            let leases = self.state.withLock { Array($0.jobs.keys) }
            do {
                for start in stride(from: 0, to: leases.count, by: 1000) {
                    let some = Array(leases[start..<min(start + 1000, leases.count)])
                    let lost = try await self.control.renew(
                        some, worker: self.configuration.id, lease: self.configuration.lease)
                    self.stopLost(lost)
                }
                // After the leases, which matter more.
                try await self.control.announce(self.registration, running: leases.count)
                pause = configuration.heartbeat
            } catch {
                self.reporter.report("heartbeat", "leases were not renewed", error: error)
                // Soon again: after an outage every lease may have run out already.
                pause = min(.seconds(1), configuration.heartbeat)
            }
        }
    }

    /// Whoever took the lease has told of it, and the order goes on or has failed there: here the log is enough.
    private func stopLost(_ lost: [LeaseKey]) {
        let jobs = state.withLock { state in
            // The end of one that has ended may have been written between the two looks.
            lost.compactMap { key in state.ended.contains(key) ? nil : state.jobs[key].map { (key, $0) } }
        }
        for (key, job) in jobs {
            logger.warning("lease lost; the job is stopped", metadata: ["work_order": "\(key.id.text)"])
            job.cancel()
        }
    }

    /// Takes work back from workers that are gone.
    func rescueLost() async {
        var failures = Failures<LeaseKey>()
        var watch = LeaseWatch(patience: configuration.leasePass, latest: configuration.leasePass * 2)
        while !Task.isCancelled {
            do {
                let asked = ContinuousClock.now
                let expired = try await control.expiredLeases()
                let rescue = watch.pass(expired, asked: asked, answered: .now)
                var count = 0
                for start in stride(from: 0, to: rescue.count, by: 500) {
                    let piece = Array(rescue[start..<min(start + 500, rescue.count)])
                    try await bisecting(piece) { some throws(PostgresError) in
                        let rescued = try await control.rescue(some, maxAttempts: configuration.defaultMaxAttempts)
                        count += rescued
                        for key in some { failures.clear(key) }
                    } alone: { key, error in
                        if await giveUp(key, after: failures.add(key), because: error) { failures.clear(key) }
                    }
                }
                if count > 0 {
                    metrics.rescues.increment(by: Int64(count))
                    logger.warning("rescued work of a lost worker", metadata: ["work_orders": "\(count)"])
                }
            } catch {
                watch.passFailed()
                reporter.report("rescue", "expired leases were not looked at", error: error)
            }
            // Slightly more than the patience, so that the second look counts. Cancelled: the loop ends.
            try? await Task.sleep(for: configuration.leasePass + .milliseconds(50))
        }
    }

    /// An order whose rescue the database refuses holds up no other; in the end it fails. True: it is dealt with.
    private func giveUp(_ key: LeaseKey, after failures: Int, because error: PostgresError) async -> Bool {
        reporter.report("rescue", "an order was not taken back", error: error, workOrder: key.id)
        guard failures >= 4, error.fault != .starved else { return false }
        do throws(PostgresError) {
            return try await control.endRefused(key.id, token: key.token, didStart: true, because: error)
        } catch {
            reporter.report(
                "rescue", "an order can neither be taken back nor be failed", error: error, workOrder: key.id,
                severity: .critical)
            return false
        }
    }

    /// The safety net against lost wake-ups: fifty pieces each time, and on from there the next.
    func sweep() async {
        let places = Mutex<[String: SweepPlace]>([:])
        await every(configuration.sweep) {
            do {
                var idle: [String] = []
                for lane in self.configuration.lanes {
                    let queue = MooseTopology.workQueue(lane: lane.name)
                    // A broker that doesn't answer leaves its lanes out; all else is swept.
                    if case .some(.some(let queued)) = try? await self.publisher.queueStatistics(queue),
                        queued.messages == 0
                    {
                        idle.append(lane.name)
                    }
                }
                var from = places.withLock { $0 }
                let rung = try await self.control.sweep(idleLanes: idle, places: &from, pieces: 50)
                places.withLock { $0 = from }
                if rung > 0 { self.logger.info("rang again", metadata: ["work_orders": "\(rung)"]) }
            } catch {
                self.reporter.report("sweep", "the sweep was left out", error: error)
            }
            do {
                _ = try await self.control.tidy()
            } catch {
                self.reporter.report("sweep", "nobody tidied up", error: error)
            }
        }
    }

    /// Wakes orders that wait for money, oldest first, as many as there is money for.
    func wakeForMoney() async {
        await every(.seconds(1)) {
            do {
                let woken = try await self.control.wakeForMoney()
                if woken > 0 { self.logger.info("money for waiting work", metadata: ["work_orders": "\(woken)"]) }
            } catch {
                self.reporter.report("wake", "nobody was woken for money", error: error)
            }
        }
    }

    /// Parks what waits too long for a slot, and stops consuming until slots are free.
    func parkOverdue() async {
        await every(.milliseconds(500)) {
            let deadline = ContinuousClock.now - self.configuration.patience
            while let (lane, deliveries) = self.state.withLock({
                $0.takeOverdue(before: deadline, upTo: self.configuration.batch)
            }) {
                await self.pauseConsumer(lane: lane)
                await self.claim(deliveries.map { (lane, $0) }, park: true)
            }
            await self.renewConsumers()
            await self.resumePaused()
        }
    }

    /// What is tried apart takes no slot, but it takes of what the broker hands out at a time. A consumer that is started
    /// anew gets as much as before on top.
    private func renewConsumers() async {
        for index in configuration.lanes.indices {
            let apart = claims.isolated { $0.lane == index }
            let isShort = state.withLock { state in
                let lane = state.lanes[index]
                state.lanes[index].renewedFor = min(lane.renewedFor, apart)
                // Where nothing at all passes, not everything is taken from the queue.
                return apart > lane.renewedFor && apart <= max(64, 2 * lane.slots) && lane.free > 0
                    && lane.waiting.isEmpty && !lane.isPaused
                    && !state.isStopping && !state.isIntakeStopped
            }
            guard isShort else { continue }
            await pauseConsumer(lane: index)
            state.withLock { $0.lanes[index].renewedFor = apart }
        }
    }

    /// Consumes again where a pool that was full has slots free, and no operator holds the lane.
    func resumePaused() async {
        for index in configuration.lanes.indices {
            let mayResume = state.withLock { state in
                let lane = state.lanes[index]
                guard lane.isPaused, !lane.isHeld, lane.free > 0, lane.waiting.isEmpty, !state.isStopping,
                    !state.isIntakeStopped, state.host.trouble == nil
                else { return false }
                state.lanes[index].isPaused = false
                return true
            }
            guard mayResume else { continue }
            do {
                try await subscriptions.withLock { $0[index] }.resume(prefetch: prefetch(lane: index))
            } catch {
                state.withLock { $0.lanes[index].isPaused = true }
                reporter.report("consume", "the consumer was not resumed", error: error)
            }
        }
    }

    func every(_ interval: Duration, _ body: @escaping () async -> Void) async {
        while !Task.isCancelled {
            // Cancelled: the loop's condition ends it.
            try? await Task.sleep(for: interval)
            if !Task.isCancelled { await body() }
        }
    }
}
