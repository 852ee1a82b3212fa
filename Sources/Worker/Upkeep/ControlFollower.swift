internal import Logging
internal import Postgres
internal import Reporting
internal import Store
internal import WorkOrders

/// Does what operators ask for: told on the channel at once, else with the next heartbeat. The rows count, not the hint, so
/// a lost one is only late.
struct ControlFollower: Sendable {
    let configuration: WorkerConfiguration
    let store: Store
    let board: PoolBoard
    let intake: Intake
    let registrar: Registrar
    let reporter: Reporter
    let logger: Logger
    /// Ends the worker's run in good order; may be called again.
    let drain: @Sendable () -> Void
    /// Says that operators may have changed something.
    let bell = Bell()

    /// Has the rows read soon; calls that come meanwhile are one.
    func look() { bell.ring() }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in store.postgres.notifications(on: Store.controlChannel) { look() }
            }
            group.addTask {
                for await _ in bell.rings { await read() }
            }
        }
    }

    /// One reader at a time: an older answer never replaces a newer one.
    private func read() async {
        do {
            cancel(try await store.cancelRequests(worker: configuration.id))
            try await obey(try await store.commands(worker: configuration.id))
        } catch {
            reporter.report("control", "control was not read; the next heartbeat does", error: error)
        }
    }

    private func cancel(_ requests: [CancelRequest]) {
        for (request, job) in board.change({ $0.cancel(requests) }) where !job.cancelFlag.isSet {
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
            let before = board.change { $0.setSlots(wanted, lane: index) }
            guard wanted != before else { continue }
            isResized = true
            logger.info("slots changed", metadata: ["lane": "\(lane.name)", "from": "\(before)", "to": "\(wanted)"])
            await intake.followSlots(lane: index)
        }
        if isResized {
            await intake.resume()
            try await registrar.announce()
        }
        if let drain = commands.drain, !board.look(\.isStopping) {
            logger.info("told to drain", metadata: ["who": "\(drain.who)", "reason": "\(drain.reason ?? "")"])
            self.drain()
        }
    }
}
