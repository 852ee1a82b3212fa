internal import AMQP
internal import FoundationEssentials
internal import Logging
internal import Messaging
internal import Postgres
internal import Stack
internal import Store

/// Private servers for one measurement: nothing else uses them, and nothing is left of them.
struct BenchStack: Sendable {
    static let lane = "default"

    /// Also for what the measurement writes.
    let folder: String
    let stack: Stack
    let addresses: StackAddresses
    let topology = MooseTopology.topology(lanes: [BenchStack.lane])

    /// Starts them with schema and topology, runs `body`, and removes them, also after a failure or Ctrl-C.
    static func with<Value: Sendable>(
        logger: Logger, _ body: @escaping @Sendable (BenchStack) async throws -> Value
    ) async throws -> Value {
        let folder = FileManager.default.temporaryDirectory.path + "/moose-bench-\(UUID().uuidString.prefix(8))"
        let stack = Stack(folder: folder)
        let result: Result<Value, any Error>
        do {
            result = .success(
                try await interruptible(logger) {
                    let addresses = try await stack.start()
                    let bench = BenchStack(folder: folder, stack: stack, addresses: addresses)
                    try await bench.prepare()
                    return try await body(bench)
                })
        } catch {
            result = .failure(error)
        }
        try await stack.remove()
        if FileManager.default.fileExists(atPath: folder) { try FileManager.default.removeItem(atPath: folder) }
        return try result.get()
    }

    private static func interruptible<Value: Sendable>(
        _ logger: Logger, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let (values, continuation) = AsyncStream<Value>.makeStream()
        try StopSignal.listen(logger: logger)
        try await StopSignal.whileWatching { stop in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { continuation.yield(try await body()) }
                group.addTask {
                    for await _ in stop { throw CommandFailure("interrupted") }
                }
                try await group.next()
                group.cancelAll()
            }
        }
        continuation.finish()
        for await value in values { return value }
        throw CommandFailure("interrupted")
    }

    private func prepare() async throws {
        try await withDatabase { _ = try await Migrator(client: $0).apply(.moose) }
        try await withPublisher { try await $0.declare(topology) }
    }

    /// A worker in this process.
    func worker(slots: Int, logger: Logger) -> BenchWorker {
        BenchWorker(databaseURL: addresses.databaseURL, amqpURL: addresses.amqpURL, slots: slots, logger: logger)
    }

    /// What is measured is the ledger and what is around it, not a refusal: no limit is ever reached.
    func liftLimits() async throws {
        try await withDatabase { database in
            try await database.runSimple(
                "UPDATE moose.budget_policies SET soft_u = NULL, hard_u = NULL, kill_u = 1000000000000000")
        }
    }

    /// Lends a client of the database, with time enough for a statement over ten million rows.
    func withDatabase<Value>(_ body: (PostgresClient) async throws -> Value) async throws -> Value {
        var configuration = PostgresConfiguration(url: addresses.databaseURL)
        configuration.applicationName = "moose bench"
        configuration.statementTimeout = .seconds(1800)
        configuration.lockTimeout = .seconds(60)
        let client = try PostgresClient(configuration: configuration, maxConnections: 1)
        do {
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }

    /// Lends a publisher with the standard window.
    func withPublisher<Value>(_ body: (AMQPPublisher) async throws -> Value) async throws -> Value {
        var configuration = try AMQPConfiguration(url: addresses.amqpURL)
        configuration.connectionName = "moose bench"
        let publisher = try AMQPPublisher(configuration: configuration, window: 1000)
        do {
            try await publisher.connect()
            let value = try await body(publisher)
            await publisher.close()
            return value
        } catch {
            await publisher.close()
            throw error
        }
    }
}
