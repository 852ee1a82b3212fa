internal import AMQP
internal import Logging
internal import Messaging
internal import Postgres
internal import Store
internal import WorkOrders
internal import Worker

/// A worker in this process, on the private servers of a measurement.
struct BenchWorker: Sendable {
    /// Of its sessions in both servers.
    static let name = "moose worker"

    let databaseURL: String
    let amqpURL: String
    let slots: Int
    let logger: Logger

    /// Runs it with this handler as long as `body` takes, and drains it: when this returns, the ends of all its jobs
    /// are in Postgres. `body` begins once its connections stand.
    func run<Value: Sendable>(
        _ handler: any WorkHandler, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        let connections = try await open()
        var handlers = HandlerRegistry()
        handlers.register(BenchOrders.kind, .init(handler))
        let pool = WorkerPool(
            WorkerConfiguration(lanes: [.init(name: BenchStack.lane, slots: slots)]), handlers: handlers,
            store: connections.store, control: connections.control, consumer: connections.consumer,
            publisher: connections.publisher, logger: logger)
        let (stop, continuation) = AsyncStream<Void>.makeStream()
        let result: Result<Value, any Error>
        do {
            result = .success(
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await pool.run(until: stop) }
                    defer { continuation.finish() }
                    return try await body()
                })
        } catch {
            result = .failure(error)
        }
        await connections.close()
        return try result.get()
    }

    private func open() async throws -> Connections {
        let topology = MooseTopology.topology(lanes: [BenchStack.lane])
        var database = PostgresConfiguration(url: databaseURL)
        database.applicationName = Self.name
        let writer = try PostgresClient(configuration: database, maxConnections: 2, logger: logger)
        let control = try PostgresClient(configuration: database, maxConnections: 2, logger: logger)
        var broker = try AMQPConfiguration(url: amqpURL)
        broker.connectionName = Self.name
        let publisher = try AMQPPublisher(configuration: broker, topology: topology, logger: logger)
        let consumer = try AMQPConsumer(configuration: broker, topology: topology, logger: logger)
        let connections = Connections(
            store: Store(writer), control: Store(control), publisher: publisher, consumer: consumer)
        do {
            try await writer.connect()
            try await publisher.connect()
            try await consumer.connect()
        } catch {
            await connections.close()
            throw error
        }
        return connections
    }
}
