internal import AMQP
internal import Logging
internal import Postgres
internal import Reporting
internal import Store
internal import Synchronization
internal import WorkOrders

extension WorkerPool {
    /// Does what operators ask for: told on the channel at once, else with the next heartbeat. The rows count, not the
    /// hint, so a lost one is only late.
    func followControl() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in self.control.postgres.notifications(on: Store.controlChannel) { self.lookAtControl() }
            }
            group.addTask {
                for await _ in self.controlHints { await self.readControl() }
            }
        }
    }

    /// Has the rows read soon; calls that come meanwhile are one.
    func lookAtControl() { controlHint.yield() }

    /// One reader at a time: an older answer never replaces a newer one.
    private func readControl() async {
        do {
            stopCancelled(try await control.cancelRequests(worker: configuration.id))
            try await obey(try await control.commands(worker: configuration.id))
        } catch {
            reporter.report("control", "control was not read; the next heartbeat does", error: error)
        }
    }

    private func stopCancelled(_ requests: [CancelRequest]) {
        let running = state.withLock { state in
            state.cancelRequests = Dictionary(requests.map { ($0.key, $0) }) { first, _ in first }
            return requests.compactMap { request in state.jobs[request.key].map { (request, $0) } }
        }
        for (request, job) in running where !job.cancelFlag.isSet {
            logger.info(
                "the order is cancelled; its job is stopped",
                metadata: [
                    "work_order": "\(request.key.id.text)", "who": "\(request.who)", "reason": "\(request.reason)",
                ])
            job.cancelOrder()
        }
    }

    private func obey(_ commands: WorkerCommands) async throws {
        var isResized = false
        for (index, lane) in configuration.lanes.enumerated() {
            let wanted = commands.slots[lane.name] ?? lane.slots
            let (before, isPaused) = state.withLock { state in
                defer { state.lanes[index].slots = wanted }
                return (state.lanes[index].slots, state.lanes[index].isPaused)
            }
            guard wanted != before else { continue }
            isResized = true
            logger.info("slots changed", metadata: ["lane": "\(lane.name)", "from": "\(before)", "to": "\(wanted)"])
            // A paused consumer takes the new number when it resumes.
            guard !isPaused, !state.withLock({ $0.isStopping }) else { continue }
            do {
                try await subscriptions.withLock { $0[index] }.resume(prefetch: prefetch(lane: index))
            } catch {
                reporter.report("control", "the broker did not take the new prefetch yet", error: error)
            }
        }
        if isResized {
            wakeClaims()
            await resumePaused()
            try await announce()
        }
        if let drain = commands.drain, !state.withLock({ $0.isStopping }) {
            logger.info("told to drain", metadata: ["who": "\(drain.who)", "reason": "\(drain.reason ?? "")"])
            requestDrain()
        }
    }
}
