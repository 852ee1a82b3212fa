internal import AMQP
internal import ArgumentParser
internal import AsyncHTTPClient
internal import FoundationEssentials
internal import Logging
internal import Probes
internal import Reporting
internal import Settings
internal import Synchronization
internal import Telemetry
internal import WorkOrders
internal import Worker

extension WorkerCommand {
    /// Keeps other processes of this program that work: a fixed number, or as many as the work needs.
    func supervise(_ role: RoleProcess) async throws {
        let (settings, logger) = (role.settings, role.logger)
        let (count, bounds) = (autoscale?.bounds.lowerBound ?? processes ?? 1, autoscale?.bounds)
        try checkHost(settings, processes: bounds?.upperBound ?? count)
        let connections = try LazyConnections(
            settings, name: role.name, sessions: 1, databaseLog: logger, brokerLog: logger)
        let reports = try Reports(role, store: connections.store, publisher: connections.publisher)
        let client = Self.probingClient()
        let fleet = fleet(role, processes: count, connections)
        observe(fleet, in: role.registry)
        let figures = ScalingFigures(
            slots: slotsByLane(settings), store: connections.store, publisher: connections.publisher
        ) {
            .init(fleet.snapshot)
        }
        let probes = role.probes(
            at: address(settings), routes: [ScalingEndpoint(figures: figures).route],
            announcement: "probes of all processes",
            metrics: { await FleetMetrics.text(own: role.registry.render(), of: fleet.snapshot, client: client) },
            checks: { fleet.snapshot.checks(at: .now) })
        let scaler = bounds.map { bounds in
            Autoscaler(
                AutoscaleTerms(settings.worker.autoscale, bounds: bounds), slots: workedSlots(settings),
                figures: figures, fleet: fleet, logger: logger, reporter: role.reporter)
        }
        let ended = Mutex(ExitStatus.ok.rawValue)
        try await role.run(reports, atOnce: fleet.killAll) { stop, group in
            group.addTask { await Self.connect(connections.publisher, logger) }
            group.addTask { await role.serve(probes) }
            if let scaler { group.addTask { await scaler.run() } }
            let status = await fleet.run(until: stop)
            ended.withLock { $0 = status }
        } finally: {
            await connections.close()
            try await client.shutdown()
        }
        let status = ended.withLock { $0 }
        logger.info("supervisor stopped", metadata: ["status": "\(status)"])
        guard status == ExitStatus.ok.rawValue else { throw ExitCode(status) }
    }

    private func fleet(_ role: RoleProcess, processes: Int, _ connections: LazyConnections) -> Fleet {
        let settings = role.settings
        var terms = FleetTerms(processes: processes)
        // A drain takes its time-out, then up to 20 s for what was interrupted.
        terms.drainLimit = drainingTime(settings) + .seconds(40)
        terms.replacesDrained = autoscale != nil
        terms.maxResidentBytes = maxResidentBytes(settings)
        let id = UUID.timeOrdered()
        let losses = ProcessLosses(
            supervisor: id, store: connections.store, maxAttempts: settings.defaults.maxAttempts, logger: role.logger)
        let reporter = role.reporter
        return Fleet(terms, program: program(of: id), logger: role.logger) { number, ending in
            reporter.report(
                "supervise", "a worker process doesn't stay up", failureClass: .workerLost, severity: .critical,
                details: [.host: HostName.current, .process: "\(number)", .ending: "\(ending)"])
        } onLoss: { process in
            await losses.rescue(process)
        }
    }

    /// What each process runs.
    private func program(of supervisor: UUID) -> FleetProgram {
        let format = LogFormat.suitable(environment: ProcessInfo.processInfo.environment)
        let common = childArguments(logFormat: LogFormatArgument.text(format))
        let name = supervisor.uuidString.lowercased()
        let (environment, greeting) = Handover.split(ProcessInfo.processInfo.environment)
        return FleetProgram(
            executable: "/proc/self/exe", arguments: { common + ["--supervisor", name, "--process", "\($0)"] },
            environment: environment, greeting: greeting,
            onLine: { number, line in ProcessLog.pass(line, from: number, format: format) })
    }

    /// For the metrics of the processes.
    private static func probingClient() -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// The first connection; later ones happen by themselves.
    private static func connect(_ publisher: AMQPPublisher, _ logger: Logger) async {
        var isKnown = false
        while !Task.isCancelled {
            do {
                return try await publisher.connect()
            } catch {
                if !isKnown { logger.warning("no broker to ask for figures yet", metadata: ["error": "\(error)"]) }
                isKnown = true
                // Cancelled: the loop's condition ends it.
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    private func observe(_ fleet: Fleet, in registry: MetricsRegistry) {
        registry.observe(.processes, dimensions: [("state", "ready")]) { Double(fleet.snapshot.ready.count) }
        registry.observe(.processes, dimensions: [("state", "draining")]) {
            let state = fleet.snapshot
            return Double(state.members.count - state.active.count)
        }
        registry.observe(.processes, dimensions: [("state", "wanted")]) { Double(fleet.snapshot.wanted) }
        registry.observe(.processRestarts) { Double(fleet.snapshot.restarts) }
    }
}
