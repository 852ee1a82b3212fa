import AMQP
import Postgres
import Store
import TestSupport

/// The network between one worker and its servers, to be cut; the bench it came from sees the servers as they are.
struct PoolNetwork: Sendable {
    /// As the worker sees them.
    let bench: PoolBench
    let toDatabase: FlakyProxy
    let toBroker: FlakyProxy

    /// Runs the body with a worker's view of a bench's servers.
    static func open(before bench: PoolBench, _ body: (PoolNetwork) async throws -> Void) async throws {
        let (databaseURL, toDatabase) = try proxied(bench.databaseURL)
        let (amqpURL, toBroker) = try proxied(bench.amqpURL)
        defer {
            toDatabase.close()
            toBroker.close()
        }
        let postgres = PostgresConfiguration(url: databaseURL)
        let network = PoolNetwork(
            bench: PoolBench(
                store: Store(try PostgresClient(configuration: postgres, maxConnections: 2)),
                control: Store(try PostgresClient(configuration: postgres, maxConnections: 2)),
                publisher: try AMQPPublisher(
                    configuration: try AMQPConfiguration(url: amqpURL), topology: PoolBench.topology),
                amqpURL: amqpURL, databaseURL: databaseURL),
            toDatabase: toDatabase, toBroker: toBroker)
        do {
            try await network.bench.publisher.connect()
            try await body(network)
        } catch {
            await network.close()
            throw error
        }
        await network.close()
    }

    private func close() async {
        await bench.publisher.close()
        await bench.store.postgres.close()
        await bench.control.postgres.close()
    }

    /// The same URL with a proxy's port.
    private static func proxied(_ url: String) throws -> (url: String, proxy: FlakyProxy) {
        let host = url[(url.lastIndex(of: "@").map { url.index(after: $0) } ?? url.startIndex)...]
        let digits = host[(host.firstIndex(of: ":").map { host.index(after: $0) } ?? host.startIndex)...]
            .prefix { $0.isNumber }
        let proxy = try FlakyProxy(target: Int(digits) ?? 0)
        return (url.replacing(":\(digits)/", with: ":\(proxy.port)/"), proxy)
    }
}
