internal import AMQP
internal import ArgumentParser
internal import FoundationEssentials
internal import Logging
internal import MissionControl
internal import Postgres
internal import Probes
internal import Publisher
internal import Reporting
internal import Sentinel
internal import Settings
internal import Store
internal import Telemetry

/// `moose mission-control`.
struct MissionControlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mission-control",
        abstract: "Serve HTTP to the outside: GitHub's webhooks with what CI says of pull requests.",
        discussion: """
            It listens on loopback only; a proxy or a tunnel brings GitHub's webhooks to /api/sentinel. A running \
            client-manager judges what they say (see docs/ci.md).

            EXAMPLES
              MOOSE_SENTINEL_SECRET=$(cat secret) moose mission-control
              moose mission-control --listen 127.0.0.1:8090
            """)

    @Option(help: "The configuration file (default: $MOOSE_CONFIG, then ./moose.yaml).") var config: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Where /api/sentinel, /healthz, /readyz and /metrics are served: on loopback, such as [::1]:8080, or a port \
            of 127.0.0.1 alone; 0 takes any free one (default: 127.0.0.1:8080).
            """, valueName: "address"),
        transform: { try ListenArgument(parsing: $0) })
    var listen: ListenArgument?

    private var address: ServerAddress { ServerAddress(listen?.address ?? ListenAddress(port: 8080)) }

    func validate() throws {
        guard address.isLoopback else {
            throw ValidationError(
                "--listen has to be on loopback, such as 127.0.0.1:8080: other machines would reach what changes work. "
                    + "Let a proxy or a tunnel with TLS bring /api/sentinel to it.")
        }
    }

    func run() async throws {
        try await runCommand {
            let environment = ProcessInfo.processInfo.environment
            let settings = try Settings.checked(path: config, environment: environment)
            LogSetup.bootstrap(level: Logger.Level(settings.logLevel), environment: environment)
            let logger = Logger(label: "mission-control")
            let address = address
            try StopSignal.listen(logger: logger)
            let registry = MetricsRegistry()
            registry.bootstrap()
            var configuration = PostgresConfiguration(url: settings.database.url)
            configuration.applicationName = "moose mission-control"
            let database = try PostgresClient(configuration: configuration, maxConnections: 2, logger: logger)
            try await database.connect()
            let store = Store(database)
            let reporter = Reporter(component: "sentinel", logger: logger)
            try await ServerDemand(settings: settings, logger: logger).check(store, reporter: reporter)
            try await store.requireSchema()
            // Only for reports while the database is away: no webhook waits for the broker.
            var broker = try AMQPConfiguration(settings)
            broker.connectionName = "moose mission-control"
            let publisher = try AMQPPublisher(configuration: broker)
            let reports = try Reports(reporter, store: store, publisher: publisher, settings, logger: logger)
            if settings.sentinel.secret == nil {
                logger.warning(
                    "webhooks are refused: no secret; set MOOSE_SENTINEL_SECRET, or sentinel.secret in moose.yaml")
            }
            let sentinel = SentinelRoute(
                SentinelReceiver(store: store, secret: settings.sentinel.secret, reporter: reporter))
            let result = await reports.delivering {
                try await StopSignal.whileWatching { stop in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask {
                            try await Probes(
                                address: address, registry: registry, logger: logger,
                                health: {
                                    let hasSecret = settings.sentinel.secret != nil
                                    return [
                                        ProbeCheck(name: "database", isReady: database.isHealthy), reports.check,
                                        ProbeCheck(
                                            name: "secret", isReady: hasSecret,
                                            detail: hasSecret ? nil : "webhooks are refused: no secret is set"),
                                    ]
                                },
                                routes: [sentinel.route],
                                onListening: { logger.info("mission control ready", metadata: ["url": "\($0.url)"]) }
                            ).run()
                        }
                        group.addTask { for await _ in stop { break } }
                        group.addTask { await HoldExpiry(store: store, reporter: reporter).run() }
                        // Whichever comes first: a signal, or a port that can't be had.
                        try await group.next()
                        group.cancelAll()
                        try await group.waitForAll()
                    }
                }
            }
            await publisher.close()
            await database.close()
            try result.get()
        }
    }
}
