internal import FoundationEssentials
internal import Logging
internal import Probes
internal import Reporting
internal import Settings
internal import Telemetry

/// A process in a long-running role. What all roles do alike, in this order; ``ProcessFrame`` came before:
///
/// 1. ``init(_:config:component:logFormat:)``: configuration, log, signals, metrics, a reporter.
/// 2. The role opens its connections, ``Connections`` or ``LazyConnections``, and makes what works.
/// 3. ``run(_:atOnce:_:finally:)``: while that works, reports are delivered, signals answered and probes served.
/// 4. However that ends: the last reports go out, the role closes what it opened, and then an error is thrown.
struct RoleProcess: Sendable {
    /// Names the role in the log, and in both servers after `moose `.
    let name: String
    let settings: Settings
    let logger: Logger
    let registry = MetricsRegistry()
    let reporter: Reporter

    /// Begins. Until ``run(_:atOnce:_:finally:)`` has begun, a signal ends the process.
    ///
    /// - Parameters:
    ///   - config: the configuration file of the command line; nil: `$MOOSE_CONFIG`, then `./moose.yaml`.
    ///   - component: who its reports are from. Default the name.
    ///   - logFormat: default what suits standard error.
    /// - Throws: `SettingsError` with every mistake of the configuration; when the system has no thread left.
    init(_ name: String, config: String?, component: String? = nil, logFormat: LogFormat? = nil) throws {
        let environment = ProcessInfo.processInfo.environment
        let settings = try Settings.checked(path: config, environment: environment)
        LogSetup.bootstrap(level: Logger.Level(settings.logLevel), format: logFormat, environment: environment)
        let logger = Logger(label: name)
        try StopSignal.listen(logger: logger)
        self.name = name
        self.settings = settings
        self.logger = logger
        reporter = Reporter(component: component ?? name, logger: logger)
        registry.bootstrap()
    }

    /// The role's probes, with the process's metrics. Served by ``serve(_:)``.
    ///
    /// - Parameters:
    ///   - routes: the role's own.
    ///   - announcement: the log line with their URL, once they listen.
    ///   - metrics: what `/metrics` prints in the place of the process's own.
    ///   - onListening: gets the port.
    ///   - checks: asked at each request; answer at once from what is known.
    func probes(
        at address: ServerAddress, routes: [Route] = [], announcement: String = "probes",
        metrics: (@Sendable () async -> [UInt8])? = nil,
        onListening: @escaping @Sendable (_ port: Int) -> Void = { _ in },
        checks: @escaping @Sendable () async -> [ProbeCheck]
    ) -> Probes {
        Probes(
            address: address, registry: registry, logger: logger, health: checks, metrics: metrics, routes: routes,
            onListening: { [logger] address in
                onListening(address.port)
                logger.info("\(announcement)", metadata: ["url": "\(address.url)"])
            })
    }

    /// Serves probes that the work doesn't depend on, until the task is cancelled.
    func serve(_ probes: Probes) async {
        do {
            try await probes.run()
        } catch {
            // Work goes on without them; whoever asks for them gets no answer.
            logger.error("no probes", metadata: ["error": "\(error)"])
        }
    }

    /// Works until `work` returns. What it has added to the group is cancelled then.
    ///
    /// - Parameters:
    ///   - reports: delivered all the while, and to the last one before anything is closed.
    ///   - atOnce: what is left to do at the second signal, before the process exits.
    ///   - work: gets a stream that yields at the first signal, and the group for what goes on beside it.
    ///   - close: closes what the role has opened, however the work ended.
    /// - Throws: what `work` throws, else what `close` does.
    func run(
        _ reports: Reports, atOnce: @escaping @Sendable () -> Void = {},
        _ work: @Sendable (AsyncStream<Void>, inout ThrowingTaskGroup<Void, any Error>) async throws -> Void,
        finally close: () async throws -> Void
    ) async throws {
        let result = await reports.delivering {
            try await StopSignal.whileWatching(atOnce: atOnce) { stop in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    try await work(stop, &group)
                    group.cancelAll()
                }
            }
        }
        try await close()
        try result.get()
    }
}
