internal import AMQP
internal import ArgumentParser
internal import ClientManager
internal import FoundationEssentials
internal import Logging
internal import Postgres
internal import Probes
internal import Reporting
internal import Sentinel
internal import Settings
internal import Store
internal import Telemetry

/// `moose client-manager`.
struct ClientManagerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client-manager",
        abstract: "Turn error events into escalations, and dead letters into rows that can be inspected.",
        discussion: """
            EXAMPLES
              moose client-manager
              moose client-manager --listen 127.0.0.1:9101
            """)

    @Option(help: "The configuration file (default: $MOOSE_CONFIG, then ./moose.yaml).") var config: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Where /healthz, /readyz and /metrics are served, such as 127.0.0.1:9101, or a port of 127.0.0.1 alone \
            (default: 0, any free one).
            """, valueName: "address"),
        transform: { try ListenArgument(parsing: $0) })
    var listen: ListenArgument?

    func run() async throws {
        try await runCommand {
            let environment = ProcessInfo.processInfo.environment
            let settings = try Settings.checked(path: config, environment: environment)
            LogSetup.bootstrap(level: Logger.Level(settings.logLevel), environment: environment)
            let logger = Logger(label: "client-manager")
            let address = ServerAddress(listen?.address ?? ListenAddress(port: 0))
            try StopSignal.listen(logger: logger)
            let registry = MetricsRegistry()
            registry.bootstrap()
            let reporter = Reporter(component: "client-manager", logger: logger)
            let connections = try await Connections.open(
                settings, role: "client-manager", logger: logger, reporter: reporter)
            let reports = try Reports(reporter, connections, settings, logger: logger)
            var stuck = StuckWatch()
            stuck.warnedAfter = settings.watch.stuckWarned
            stuck.escalatedAfter = settings.watch.stuckEscalated
            var sentinel = SentinelJudge()
            sentinel.workflows = settings.sentinel.workflows
            sentinel.deadline = settings.sentinel.deadline
            sentinel.unmatchedAfter = settings.sentinel.unmatchedAfter
            var retention: RetentionWatch?
            if settings.retention.isDaily { retention = RetentionWatch(Retention(days: settings.retention.days)) }
            let service = ClientManagerService(
                store: connections.control, consumer: connections.consumer, publisher: connections.publisher,
                logger: logger, stuck: stuck, sentinel: sentinel, retention: retention,
                lanes: settings.lanes.keys.sorted(),
                reporter: reporter)
            let result = await reports.delivering {
                try await StopSignal.whileWatching { stop in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask {
                            try await Probes(
                                address: address, registry: registry, logger: logger,
                                health: {
                                    [
                                        ProbeCheck(name: "broker", isReady: connections.consumer.status().connected),
                                        ProbeCheck(name: "database", isReady: connections.control.postgres.isHealthy),
                                        reports.check,
                                    ]
                                        + service.progress.map { part in
                                            ProbeCheck(
                                                name: part.name, isReady: part.trouble == nil, detail: part.trouble)
                                        }
                                },
                                onListening: { logger.info("probes", metadata: ["url": "\($0.url)"]) }
                            ).run()
                        }
                        try await service.run(until: stop)
                        group.cancelAll()
                    }
                }
            }
            await connections.close()
            try result.get()
        }
    }
}
