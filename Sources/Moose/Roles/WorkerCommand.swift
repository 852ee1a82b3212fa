internal import AMQP
internal import ArgumentParser
internal import AsyncHTTPClient
internal import FoundationEssentials
internal import Logging
internal import Probes
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
            Handlers come from moose.yaml. SIGTERM drains: no attempt is burned, no hold lost; a second one stops at once.

            EXAMPLES
              moose worker --lane default:8
              moose worker --lane llm:4 --lane default:16 --processes 4
            """)

    @Option(help: "The configuration file (default: $MOOSE_CONFIG, then ./moose.yaml).") var config: String?
    @Option(name: .customLong("lane"), help: "A lane and its slots, NAME:SLOTS. Repeat for more lanes.")
    var lanes: [LaneArgument] = []
    @Option(help: "Worker processes; more than one are supervised and restarted with a backoff.") var processes = 1
    @Option(help: "Seconds running jobs may take to end after SIGTERM.") var drainTimeout: Int?

    func validate() throws {
        guard (1...256).contains(processes) else { throw ValidationError("--processes goes from 1 to 256.") }
    }

    func run() async throws {
        try await runCommand {
            let environment = ProcessInfo.processInfo.environment
            let settings = try Settings.load(path: config, environment: environment)
            LogSetup.bootstrap(level: Logger.Level(settings.logLevel), environment: environment)
            if processes > 1 {
                try await Reports.supervising(settings, logger: Logger(label: "supervisor")) { reporter in
                    try await Supervisor.runCopies(processes, arguments: childArguments, reporter: reporter)
                }
            } else {
                try await work(settings)
            }
        }
    }

    private var childArguments: [String] {
        var arguments = ["worker"]
        if let config { arguments += ["--config", config] }
        for lane in lanes { arguments += ["--lane", "\(lane.lane.name):\(lane.lane.slots)"] }
        if let drainTimeout { arguments += ["--drain-timeout", "\(drainTimeout)"] }
        return arguments
    }

    private func work(_ settings: Settings) async throws {
        let logger = Logger(label: "worker")
        let registry = MetricsRegistry()
        registry.bootstrap()
        let reporter = Reporter(component: "worker", logger: logger)
        let connections = try await Connections.open(settings, role: "worker", logger: logger, reporter: reporter)
        let reports = try Reports(reporter, connections, settings, logger: logger)
        let client = HTTPClient.forHandlers(connectionsPerHost: 64)
        let scratch = try ScratchSpace()
        let pool = WorkerPool(
            workerConfiguration(settings), handlers: HandlerRegistry(settings, scratch: scratch, client: client),
            store: connections.store, control: connections.control, consumer: connections.consumer,
            publisher: connections.publisher, logger: logger, reporter: reporter)
        let result = await reports.delivering {
            try await StopSignal.whileWatching(logger: logger) { stop in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await Probes(
                            port: settings.worker.httpPort, registry: registry, logger: logger,
                            health: {
                                let trouble = pool.trouble
                                return [
                                    ProbeCheck(name: "worker", isReady: trouble == nil, detail: trouble), reports.check,
                                ]
                            },
                            onListening: { logger.info("probes", metadata: ["url": "http://127.0.0.1:\($0)"]) }
                        ).run()
                    }
                    try await pool.run(until: stop)
                    group.cancelAll()
                }
            }
        }
        await connections.close()
        try await client.shutdown()
        try result.get()
    }

    private func workerConfiguration(_ settings: Settings) -> WorkerConfiguration {
        let all = settings.lanes.sorted { $0.key < $1.key }.map { lane in
            WorkerConfiguration.Lane(name: lane.key, slots: 4 * lane.value.weight, weight: lane.value.weight)
        }
        let given = lanes.map { argument in
            var lane = argument.lane
            lane.weight = settings.lanes[lane.name]?.weight ?? 1
            return lane
        }
        var configuration = WorkerConfiguration(lanes: given.isEmpty ? all : given)
        configuration.host = HostName.current
        configuration.heartbeat = settings.lease.heartbeat
        configuration.lease = settings.lease.expiry
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
