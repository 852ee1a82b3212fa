import Glibc
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
package import Telemetry

/// The small HTTP server every long-running role has: `/healthz`, `/readyz`, `/metrics` and the role's own routes.
///
/// It has one thread and one event loop of its own, so that it answers even while the process is busy. Every route is
/// held to the same ``ConnectionLimits``.
package struct Probes: Sendable {
    /// Never shut down: a stopped server still hands work to its loop, from a task of its own that nobody can wait for.
    static let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private let address: ServerAddress
    private let logger: Logger
    private let routes: RouteTable
    private let limits: ConnectionLimits
    private let onListening: @Sendable (ServerAddress) async -> Void

    /// Probes that aren't served yet.
    ///
    /// - Parameters:
    ///   - address: one of this machine alone, unless every route may be reached from anywhere.
    ///   - registry: what `/metrics` prints.
    ///   - logger: hears of the server's own troubles only.
    ///   - health: asked at each request; should answer at once from what is known, not ask the network.
    ///   - metrics: what `/metrics` prints in the place of the registry.
    ///   - routes: the role's own; no two for the same method and path.
    ///   - limits: what a connection may take.
    ///   - onListening: told the address once it is bound, with its port.
    package init(
        address: ServerAddress,
        registry: MetricsRegistry,
        logger: Logger,
        health: @escaping @Sendable () async -> [ProbeCheck],
        metrics: (@Sendable () async -> [UInt8])? = nil,
        routes: [Route] = [],
        limits: ConnectionLimits = ConnectionLimits(),
        onListening: @escaping @Sendable (ServerAddress) async -> Void = { _ in }
    ) {
        self.address = address
        self.routes = RouteTable(ProbeRoutes.all(health: health, metrics: metrics ?? { registry.render() }) + routes)
        self.limits = limits
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until the surrounding task is cancelled, then returns.
    ///
    /// - Throws: ``ProbesError``; before it listens, where a route is not for everybody who reaches the address.
    @concurrent package func run() async throws(ProbesError) {
        if !address.isLoopback, let route = routes.notForOthers {
            throw .notForOthers(route: "\(route)", address)
        }
        do {
            try await serve(application())
        } catch is CancellationError {
            // The way it is asked to stop, no failure.
            return
        } catch {
            throw describe(error)
        }
    }

    /// Stops the server gracefully when the task is cancelled: a cancelled server reports that as an error.
    private func serve(_ application: some Service) async throws {
        var configuration = ServiceGroupConfiguration(services: [application], logger: logger)
        configuration.logger.logLevel = max(logger.logLevel, .warning)
        // A request that hangs must not hold the process.
        configuration.maximumGracefulShutdownDuration = .seconds(2)
        let services = ServiceGroup(configuration: configuration)
        let running = Task { try await services.run() }
        try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            Task { await services.triggerGracefulShutdown() }
        }
    }

    private func application() -> Application<CallbackResponder<BasicRequestContext>> {
        var logger = logger
        // The server logs its start and every shutdown; only its troubles concern an operator.
        logger.logLevel = max(logger.logLevel, .warning)
        let connections = OpenConnections(limit: limits.connections)
        let responder = RouteResponder(routes: routes, logger: logger)
        return Application(
            responder: CallbackResponder { request, _ in await responder.respond(to: request) },
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [ConnectionGuard(limits, connections) { responder.admits($0) }],
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 16_384, maxHeaderListSize: 16_384, maxHeaderFieldCount: 100))),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port),
                serverName: nil,
                backlog: 128
            ),
            onServerRunning: { channel in
                await onListening(
                    ServerAddress(host: address.host, port: channel.localAddress?.port ?? address.port))
            },
            eventLoopGroupProvider: .shared(Self.eventLoops),
            logger: logger
        )
    }

    private func describe(_ error: any Error) -> ProbesError {
        guard let error = error as? IOError else { return .notListening(address, reason: "\(error)") }
        switch error.errnoCode {
        case EADDRINUSE: return .portTaken(address)
        case EADDRNOTAVAIL: return .addressMissing(address)
        case EACCES: return .portForbidden(address)
        default: return .notListening(address, reason: "\(error)")
        }
    }
}
