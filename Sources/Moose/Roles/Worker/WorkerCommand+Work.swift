internal import ArgumentParser
internal import Logging
internal import Probes
internal import Publisher
internal import Settings
internal import Worker

extension WorkerCommand {
    /// Works lanes in this process.
    func work(_ role: RoleProcess) async throws {
        let settings = role.settings
        try checkHost(settings, processes: 1)
        let temporary = try HandlerHost.temporaryFolder()
        let link = try parentLink(role.logger)
        let connections = try await Connections.open(for: role)
        let reports = try Reports(role, store: connections.control, publisher: connections.publisher)
        let host = try HandlerHost(in: temporary, reporter: role.reporter)
        let pool = WorkerPool(
            workerConfiguration(settings),
            handlers: HandlerRegistry(
                settings, scratch: host.scratch, commandGuard: host.commandGuard, client: host.client),
            store: connections.store, control: connections.control, consumer: connections.consumer,
            publisher: connections.publisher, host: host.scratch, logger: role.logger, reporter: role.reporter)
        let (stops, stop) = AsyncStream<Void>.makeStream()
        let watch = WorkerWatch(
            pool, link: link, limit: maxResidentBytes(settings), stop: stop, logger: role.logger)
        let probes = probes(of: pool, role, connections, reports, watch)
        try await role.run(reports) { signals, group in
            group.addTask { await role.serve(probes) }
            group.addTask {
                for await _ in signals { break }
                stop.finish()
            }
            group.addTask { await watch.run() }
            group.addTask {
                await LaneWatch(
                    store: connections.control, publisher: connections.publisher,
                    configured: settings.lanes.keys.sorted(), logger: role.logger, reporter: role.reporter
                ).run()
            }
            try await pool.run(until: stops)
        } finally: {
            await connections.close()
            try await host.close()
        }
        if watch.isOverLimit { throw ExitCode(ExitStatus.recycled.rawValue) }
    }

    /// The line to the parent; nil without one.
    private func parentLink(_ logger: Logger) throws -> ParentLink? {
        guard supervisor != nil else { return nil }
        return try ParentLink { StopSignal.endBeforeStart("its parent said so, or is gone", logger: logger) }
    }

    private func probes(
        of pool: WorkerPool, _ role: RoleProcess, _ connections: Connections, _ reports: Reports, _ watch: WorkerWatch
    ) -> Probes {
        let figures = ScalingFigures(
            slots: slotsByLane(role.settings), store: connections.control, publisher: connections.publisher
        ) {
            .init(waiting: pool.laneReports.mapValues(\.waiting), claimedAge: pool.claimedAge)
        }
        return role.probes(
            // A parent asks for the metrics of its processes on loopback.
            at: supervisor == nil ? address(role.settings) : ServerAddress(port: 0),
            routes: [ScalingEndpoint(figures: figures).route], onListening: { watch.listens(on: $0) },
            checks: {
                let trouble = pool.trouble
                return [ProbeCheck(name: "worker", isReady: trouble == nil, detail: trouble), reports.check]
            })
    }
}
