import Glibc
package import HTTPTypes
package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
package import Telemetry

/// The small HTTP server every long-running role has on loopback: `/healthz`, `/readyz` and `/metrics`.
///
/// It has one thread and one event loop of its own, so that it answers even while the process is busy.
package struct Probes: Sendable {
    /// Never shut down: a stopped server still hands work to its loop, from a task of its own that nobody can wait for.
    static let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private let port: Int
    private let logger: Logger
    private let health: @Sendable () async -> [ProbeCheck]
    private let metrics: @Sendable () async -> [UInt8]
    private let answer: @Sendable (String) async -> ProbeAnswer?
    private let api: @Sendable (Request) async throws -> Response?
    private let admits: @Sendable (HTTPRequest) -> Bool
    private let limits: ConnectionLimits
    private let onListening: @Sendable (Int) async -> Void

    /// Probes that aren't served yet.
    ///
    /// - Parameters:
    ///   - port: the port on 127.0.0.1; 0 takes any free one.
    ///   - registry: what `/metrics` prints.
    ///   - logger: hears of the server's own troubles only.
    ///   - health: asked at each request; should answer at once from what is known, not ask the network.
    ///   - metrics: what `/metrics` prints in the place of the registry.
    ///   - answer: the role's own paths; nil for a path it doesn't know.
    ///   - api: asked first, with the whole request; nil where it has nothing to say.
    ///   - admits: whether a client that asks first (`Expect: 100-continue`) may send the body of its request.
    ///   - limits: what a connection may take.
    ///   - onListening: told the port once it is bound.
    package init(
        port: Int,
        registry: MetricsRegistry,
        logger: Logger,
        health: @escaping @Sendable () async -> [ProbeCheck],
        metrics: (@Sendable () async -> [UInt8])? = nil,
        answer: @escaping @Sendable (String) async -> ProbeAnswer? = { _ in nil },
        api: @escaping @Sendable (Request) async throws -> Response? = { _ in nil },
        admits: @escaping @Sendable (HTTPRequest) -> Bool = { _ in false },
        limits: ConnectionLimits = ConnectionLimits(),
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.port = port
        self.metrics = metrics ?? { registry.render() }
        self.answer = answer
        self.api = api
        self.admits = admits
        self.limits = limits
        self.logger = logger
        self.health = health
        self.onListening = onListening
    }

    /// Serves until the surrounding task is cancelled, then returns.
    @concurrent package func run() async throws(ProbesError) {
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
        return Application(
            responder: CallbackResponder { request, _ in
                let response = try await respond(to: request)
                return request.method == .head ? response.createHeadResponse() : response
            },
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [ConnectionGuard(limits, connections, admits: admits)],
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 16_384, maxHeaderListSize: 16_384, maxHeaderFieldCount: 100))),
            configuration: ApplicationConfiguration(
                address: .hostname("127.0.0.1", port: port),
                serverName: nil,
                backlog: 128
            ),
            onServerRunning: { channel in
                await onListening(channel.localAddress?.port ?? port)
            },
            eventLoopGroupProvider: .shared(Self.eventLoops),
            logger: logger
        )
    }

    private func respond(to request: Request) async throws -> Response {
        if let response = try await api(request) { return response }
        guard request.method == .get || request.method == .head else {
            guard try await isKnown(request.uri.path) else { return notFound }
            return plain(.methodNotAllowed, "only GET and HEAD are answered here\n", headers: [.allow: "GET, HEAD"])
        }
        switch request.uri.path {
        case "/healthz": return try answer(.health(await health()))
        case "/readyz": return try answer(.readiness(await health()))
        case "/metrics":
            return response(.ok, await metrics(), type: "text/plain; version=0.0.4; charset=utf-8")
        case let path:
            guard let own = await answer(path) else { return notFound }
            return response(HTTPResponse.Status(code: own.status), own.body, type: own.type)
        }
    }

    private func isKnown(_ path: String) async throws -> Bool {
        guard !["/healthz", "/readyz", "/metrics"].contains(path) else { return true }
        return await answer(path) != nil
    }

    private var notFound: Response { plain(.notFound, "there are /healthz, /readyz and /metrics\n") }

    private func answer(_ report: ProbeReport) throws -> Response {
        response(report.isGood ? .ok : .serviceUnavailable, try report.json(), type: "application/json")
    }

    private func plain(_ status: HTTPResponse.Status, _ text: String, headers: HTTPFields = [:]) -> Response {
        response(status, Array(text.utf8), type: "text/plain; charset=utf-8", headers: headers)
    }

    private func response(
        _ status: HTTPResponse.Status,
        _ body: [UInt8],
        type: String,
        headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = type
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    private func describe(_ error: any Error) -> ProbesError {
        guard let error = error as? IOError else { return .notListening(port: port, reason: "\(error)") }
        switch error.errnoCode {
        case EADDRINUSE: return .portTaken(port)
        case EACCES: return .portForbidden(port)
        default: return .notListening(port: port, reason: "\(error)")
        }
    }
}
