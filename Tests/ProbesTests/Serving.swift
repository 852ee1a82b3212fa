import Logging
import Telemetry
import Testing

@testable import Probes

/// Serves while the body runs, then stops.
///
/// - Parameters:
///   - address: default any free port of 127.0.0.1.
///   - body: given the address with its port.
func serving(
    _ routes: [Route] = [], at address: ServerAddress = ServerAddress(port: 0), checks: [ProbeCheck] = [],
    registry: MetricsRegistry = MetricsRegistry(), metrics: (@Sendable () async -> [UInt8])? = nil,
    limits: ConnectionLimits = ConnectionLimits(),
    logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
    _ body: (ServerAddress) async throws -> Void
) async throws {
    let (addresses, continuation) = AsyncStream.makeStream(of: ServerAddress.self)
    let probes = Probes(
        address: address, registry: registry, logger: logger, health: { checks }, metrics: metrics, routes: routes,
        limits: limits, onListening: { continuation.yield($0) })
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            // Who waits for an address is told when there will be none.
            defer { continuation.finish() }
            try await probes.run()
        }
        var iterator = addresses.makeAsyncIterator()
        if let address = await iterator.next() {
            try await body(address)
        }
        group.cancelAll()
        try await group.waitForAll()
    }
}
