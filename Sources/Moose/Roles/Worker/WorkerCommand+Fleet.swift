internal import AMQP
internal import ArgumentParser
internal import AsyncHTTPClient
internal import FoundationEssentials
internal import Logging
internal import Postgres
internal import Probes
internal import Reporting
internal import Settings
internal import Store
internal import Synchronization
internal import Telemetry
internal import WorkOrders
internal import Worker

extension WorkerCommand {
    /// Keeps other processes of this program that work.
    ///
    /// - Parameters:
    ///   - processes: how many at first.
    ///   - autoscale: lets the number follow the work within these bounds.
    func supervise(_ settings: Settings, processes: Int, autoscale: ClosedRange<Int>?) async throws {
        let logger = Logger(label: "supervisor")
        try StopSignal.listen(logger: logger)
        try checkHost(settings, processes: autoscale?.upperBound ?? processes)
        let registry = MetricsRegistry()
        registry.bootstrap()
        var database = PostgresConfiguration(url: settings.database.url)
        database.applicationName = "moose supervisor"
        let store = Store(try PostgresClient(configuration: database, maxConnections: 1, logger: logger))
        var broker = try AMQPConfiguration(settings)
        broker.connectionName = "moose supervisor"
        let publisher = try AMQPPublisher(configuration: broker, logger: logger)
        let reporter = Reporter(component: "supervisor", logger: logger)
        let reports = try Reports(reporter, store: store, publisher: publisher, settings, logger: logger)
        var http = HTTPClient.Configuration()
        http.redirectConfiguration = .disallow
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: http)
        let fleet = fleet(
            settings, processes: processes, isScaled: autoscale != nil, store: store, reporter: reporter,
            logger: logger)
        observe(fleet, in: registry)
        let figures = ScalingFigures(slots: slotsByLane(settings), store: store, publisher: publisher) {
            .init(fleet.snapshot)
        }
        let ended = Mutex(ExitStatus.ok.rawValue)
        let result = await reports.delivering {
            try await StopSignal.whileWatching(atOnce: { fleet.killAll() }) { stop in
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await connect(publisher, logger) }
                    group.addTask { await serve(fleet, figures, registry, client, settings, logger) }
                    if let autoscale {
                        let scaler = Autoscaler(
                            terms(autoscale, settings), slots: workedSlots(settings), figures: figures, fleet: fleet,
                            logger: logger, reporter: reporter)
                        group.addTask { await scaler.run() }
                    }
                    let status = await fleet.run(until: stop)
                    ended.withLock { $0 = status }
                    group.cancelAll()
                }
            }
        }
        await publisher.close()
        await store.postgres.close()
        try await client.shutdown()
        try result.get()
        let status = ended.withLock { $0 }
        logger.info("supervisor stopped", metadata: ["status": "\(status)"])
        guard status == ExitStatus.ok.rawValue else { throw ExitCode(status) }
    }

    private func fleet(
        _ settings: Settings, processes: Int, isScaled: Bool, store: Store, reporter: Reporter, logger: Logger
    ) -> Fleet {
        var terms = FleetTerms(processes: processes)
        // A drain takes its time-out, then up to 20 s for what was interrupted.
        terms.drainLimit = (drainTimeout.map { .seconds($0) } ?? settings.worker.drainTimeout) + .seconds(40)
        terms.replacesDrained = isScaled
        terms.maxResidentBytes = maxResidentBytes(settings)
        let format = LogFormat.suitable(environment: ProcessInfo.processInfo.environment)
        let common = childArguments(format)
        let id = UUID.timeOrdered()
        let name = id.uuidString.lowercased()
        let (environment, greeting) = Handover.split(ProcessInfo.processInfo.environment)
        let program = FleetProgram(
            executable: "/proc/self/exe", arguments: { common + ["--supervisor", name, "--process", "\($0)"] },
            environment: environment, greeting: greeting,
            onLine: { number, line in ProcessLog.pass(line, from: number, format: format) })
        let losses = ProcessLosses(
            supervisor: id, store: store, maxAttempts: settings.defaults.maxAttempts, logger: logger)
        return Fleet(terms, program: program, logger: logger) { number, ending in
            reporter.report(
                "supervise", "a worker process doesn't stay up", failureClass: .workerLost, severity: .critical,
                details: [.host: HostName.current, .process: "\(number)", .ending: "\(ending)"])
        } onLoss: { process in
            await losses.rescue(process)
        }
    }

    private func childArguments(_ format: LogFormat) -> [String] {
        var arguments = ["worker", "--log-format", LogFormatArgument.text(format)]
        if let config { arguments += ["--config", config] }
        for lane in lanes { arguments += ["--lane", "\(lane.lane.name):\(lane.lane.slots)"] }
        if let drainTimeout { arguments += ["--drain-timeout", "\(drainTimeout)"] }
        return arguments
    }

    private func terms(_ bounds: ClosedRange<Int>, _ settings: Settings) -> AutoscaleTerms {
        let autoscale = settings.worker.autoscale
        var terms = AutoscaleTerms(bounds: bounds)
        terms.interval = autoscale.interval
        terms.growAfter = autoscale.growAfter
        terms.growCooldown = autoscale.growCooldown
        terms.shrinkAfter = autoscale.shrinkAfter
        return terms
    }

    private func workedSlots(_ settings: Settings) -> [String: Int] {
        Dictionary(workedLanes(settings).map { ($0.name, $0.slots) }) { first, _ in first }
    }

    /// The first connection; later ones happen by themselves.
    private func connect(_ publisher: AMQPPublisher, _ logger: Logger) async {
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

    private func serve(
        _ fleet: Fleet, _ figures: ScalingFigures, _ registry: MetricsRegistry, _ client: HTTPClient,
        _ settings: Settings, _ logger: Logger
    ) async {
        let endpoint = ScalingEndpoint(figures: figures)
        do {
            try await Probes(
                address: address(settings), registry: registry, logger: logger,
                health: { fleet.snapshot.checks(at: .now) },
                metrics: { await FleetMetrics.text(own: registry.render(), of: fleet.snapshot, client: client) },
                routes: [endpoint.route],
                onListening: { logger.info("probes of all processes", metadata: ["url": "\($0.url)"]) }
            ).run()
        } catch {
            // Work goes on without them, as in a worker on its own.
            logger.error("no probes", metadata: ["error": "\(error)"])
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

extension ScalingFigures.Local {
    /// What the processes of a group told last.
    init(_ fleet: FleetState) {
        var waiting: [String: Int] = [:]
        let reports = fleet.ready.compactMap(\.report)
        for report in reports {
            for (lane, figures) in report.lanes { waiting[lane, default: 0] += figures.waiting }
        }
        self.init(waiting: waiting, claimedAge: reports.compactMap(\.claimedAge).max().map { .seconds($0) })
    }
}
