internal import AMQP
internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import Probes
internal import Publisher
internal import Reporting
internal import Settings
internal import Store
internal import Telemetry
internal import WorkOrders
internal import Worker

/// `moose worker`.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Work lanes: claim, run, settle, retry.",
        discussion: """
            Handlers come from moose.yaml. SIGTERM, SIGINT or SIGHUP drains: no attempt is burned, no hold lost; a \
            second SIGTERM or SIGINT stops at once. `moose workers drain` does the same from anywhere. When this \
            machine can't start work, the worker takes nothing new, says why at /readyz, and goes on by itself.

            With --processes or --autoscale this process works nothing itself: it keeps the others, starts again what \
            dies, and serves the probes of all. A process that is one too many, or holds more memory than --max-rss, \
            takes no more work and ends after its last job. Status 5: a worker on its own held too much memory.

            EXAMPLES
              moose worker --lane default:8
              moose worker --lane llm:4 --lane default:16 --processes 4
              moose worker --lane default:25 --autoscale 1:4 --max-rss 500MB
            """)

    @Option(help: "The configuration file (default: $MOOSE_CONFIG, then ./moose.yaml).") var config: String?
    @Option(
        name: .customLong("lane"), help: "A lane and its slots, NAME:SLOTS. Repeat for more lanes.",
        transform: { try LaneArgument(parsing: $0) })
    var lanes: [LaneArgument] = []
    @Option(
        parsing: .unconditional, help: "Worker processes; more than one are supervised and restarted with a backoff.")
    var processes: Int?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("As many processes as the backlog needs, within MIN:MAX.", valueName: "min:max"),
        transform: { try AutoscaleArgument(parsing: $0) })
    var autoscale: AutoscaleArgument?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Memory a process may hold before it is replaced, such as 500MB.", valueName: "size"),
        transform: { try ByteSizeArgument(parsing: $0) })
    var maxRss: ByteSizeArgument?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Where /healthz, /readyz, /metrics and /api/scaling are served, such as 127.0.0.1:9100 or 0.0.0.0:9100, or \
            a port of 127.0.0.1 alone (default: worker.listen of moose.yaml, any free one).
            """, valueName: "address"),
        transform: { try ListenArgument(parsing: $0) })
    var listen: ListenArgument?
    @Option(parsing: .unconditional, help: "Seconds running jobs may take to end after SIGTERM.") var drainTimeout: Int?

    // What a parent tells the processes it keeps.
    @Option(help: .private) var supervisor: String?
    @Option(help: .private) var process: Int32?
    @Option(help: .private) var logFormat: LogFormatArgument?

    func validate() throws {
        guard (1...256).contains(processes ?? 1) else { throw ValidationError("--processes goes from 1 to 256.") }
        guard (0...86_400).contains(drainTimeout ?? 0) else {
            throw ValidationError("--drain-timeout goes from 0 to 86400 seconds.")
        }
        guard processes == nil || autoscale == nil else {
            throw ValidationError(
                "--processes fixes the number, --autoscale lets it follow the work: give one of them.")
        }
        var named: Set<String> = []
        for lane in lanes.map(\.lane.name) where !named.insert(lane).inserted {
            throw ValidationError("--lane names \(lane) twice: give each lane once, with all its slots.")
        }
    }

    func run() async throws {
        try await runCommand {
            let environment = ProcessInfo.processInfo.environment
            let settings = try Settings.checked(path: config, environment: environment)
            LogSetup.bootstrap(
                level: Logger.Level(settings.logLevel), format: logFormat?.format, environment: environment)
            if let autoscale {
                try await supervise(settings, processes: autoscale.bounds.lowerBound, autoscale: autoscale.bounds)
            } else if let processes, processes > 1 {
                try await supervise(settings, processes: processes, autoscale: nil)
            } else {
                try await work(settings)
            }
        }
    }

    private func work(_ settings: Settings) async throws {
        let logger = Logger(label: "worker")
        try StopSignal.listen(logger: logger)
        try checkHost(settings, processes: 1)
        let temporary = try temporaryFolder()
        let link =
            supervisor == nil
            ? nil : try ParentLink { StopSignal.endBeforeStart("its parent said so, or is gone", logger: logger) }
        let registry = MetricsRegistry()
        registry.bootstrap()
        let reporter = Reporter(component: "worker", logger: logger)
        let connections = try await Connections.open(settings, role: "worker", logger: logger, reporter: reporter)
        let reports = try Reports(reporter, connections, settings, logger: logger)
        let client = HandlerClient()
        let folder = try WorkerFolder(in: temporary)
        let commandGuard = try CommandGuard(
            arguments: [CommandGuardCommand.configuration.commandName ?? "", folder.path], reporter: reporter)
        let scratch = try ScratchSpace(in: folder) {
            reporter.report(
                "host",
                "the worker's temporary folder was removed; it was made anew, and what commands had written is lost",
                failureClass: .infrastructure, details: [.folder: folder.path])
        }
        let configuration = workerConfiguration(settings)
        let pool = WorkerPool(
            configuration,
            handlers: HandlerRegistry(
                settings, scratch: scratch, commandGuard: commandGuard, client: client),
            store: connections.store, control: connections.control, consumer: connections.consumer,
            publisher: connections.publisher, host: scratch, logger: logger, reporter: reporter)
        // A parent asks for the metrics of its processes on loopback.
        let address = link == nil ? address(settings) : ServerAddress(port: 0)
        let (stops, stop) = AsyncStream<Void>.makeStream()
        let watch = WorkerWatch(pool, link: link, limit: maxResidentBytes(settings), stop: stop, logger: logger)
        let endpoint = ScalingEndpoint(
            figures: ScalingFigures(
                slots: slotsByLane(settings), store: connections.control, publisher: connections.publisher
            ) {
                .init(waiting: pool.laneReports.mapValues(\.waiting), claimedAge: pool.claimedAge)
            })
        let result = await reports.delivering {
            try await StopSignal.whileWatching { signals in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await Probes(
                            address: address, registry: registry, logger: logger,
                            health: {
                                let trouble = pool.trouble
                                return [
                                    ProbeCheck(name: "worker", isReady: trouble == nil, detail: trouble), reports.check,
                                ]
                            },
                            routes: [endpoint.route],
                            onListening: {
                                watch.listens(on: $0.port)
                                logger.info("probes", metadata: ["url": "\($0.url)"])
                            }
                        ).run()
                    }
                    group.addTask {
                        for await _ in signals { break }
                        stop.finish()
                    }
                    group.addTask { await watch.run() }
                    group.addTask {
                        await LaneWatch(
                            store: connections.control, publisher: connections.publisher,
                            configured: settings.lanes.keys.sorted(), logger: logger, reporter: reporter
                        ).run()
                    }
                    try await pool.run(until: stops)
                    group.cancelAll()
                }
            }
        }
        await connections.close()
        await commandGuard.close()
        folder.remove()
        try await client.shutdown()
        try result.get()
        if watch.isOverLimit { throw ExitCode(ExitStatus.recycled.rawValue) }
    }

    /// Refuses what this machine would refuse in the middle of the work.
    /// - Parameter processes: how many workers there may be.
    func checkHost(_ settings: Settings, processes: Int) throws {
        let runsCommands = settings.handlers.values.contains { if case .command = $0.transport { true } else { false } }
        let slots = workedLanes(settings).reduce(0) { $0 + $1.slots }
        if let shortage = HostLimits.shortage(slots: slots, commands: runsCommands, processes: processes) {
            throw CommandFailure(shortage, status: .usage)
        }
    }

    private func temporaryFolder() throws -> String {
        do {
            return try TemporaryFolder.path(environment: ProcessInfo.processInfo.environment)
        } catch {
            throw CommandFailure(error.description, status: .usage)
        }
    }

    /// The lanes of each process.
    func workedLanes(_ settings: Settings) -> [WorkerConfiguration.Lane] {
        let all = settings.lanes.sorted { $0.key < $1.key }.map { lane in
            WorkerConfiguration.Lane(name: lane.key, slots: 4 * lane.value.weight, weight: lane.value.weight)
        }
        let given = lanes.map { argument in
            var lane = argument.lane
            lane.weight = settings.lanes[lane.name]?.weight ?? 1
            return lane
        }
        return given.isEmpty ? all : given
    }

    /// Every lane there is, with its slots in a process that works it.
    func slotsByLane(_ settings: Settings) -> [String: Int] {
        var slots = settings.lanes.mapValues { 4 * $0.weight }
        for lane in workedLanes(settings) { slots[lane.name] = lane.slots }
        return slots
    }

    /// Where a process without a parent serves HTTP.
    func address(_ settings: Settings) -> ServerAddress { ServerAddress(listen?.address ?? settings.worker.listen) }

    func maxResidentBytes(_ settings: Settings) -> Int64? { maxRss?.bytes ?? settings.worker.maxResidentBytes }

    private func workerConfiguration(_ settings: Settings) -> WorkerConfiguration {
        var configuration = WorkerConfiguration(lanes: workedLanes(settings))
        configuration.host = HostName.current
        if let id = supervisor.flatMap(UUID.init(uuidString:)), let process {
            configuration.supervisor = WorkerSupervisor(id: id, pid: getppid(), process: process)
        }
        configuration.heartbeat = settings.lease.heartbeat
        configuration.lease = settings.lease.expiry
        // Whoever is alive renews between the two looks of a rescue; 15 s with the default lease.
        configuration.leasePass = min(.seconds(15), max(settings.lease.heartbeat * 1.5, settings.lease.expiry / 3))
        configuration.unknownKindGrace = settings.defaults.unknownKindGrace
        configuration.retry = RetryPolicy(base: settings.retry.base, cap: settings.retry.cap)
        configuration.defaultTimeout = settings.defaults.timeout
        configuration.defaultMaxAttempts = settings.defaults.maxAttempts
        configuration.maxMessageBytes = settings.defaults.maxMessageBytes
        configuration.drainTimeout = drainTimeout.map { .seconds($0) } ?? settings.worker.drainTimeout
        return configuration
    }
}

/// The outcome of an async body, so that what was opened can be closed first.
func asyncResult(_ body: () async throws -> Void) async -> Result<Void, any Error> {
    do {
        try await body()
        return .success(())
    } catch {
        return .failure(error)
    }
}
