import AMQP
import DatabaseSupport
import FoundationEssentials
import Logging
import Messaging
import Postgres
import Publisher
import Stack
import Store
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// A broker and a database of their own, wired as a worker process wires them.
struct PoolBench: Sendable {
    let store: Store
    let control: Store
    let publisher: AMQPPublisher
    let amqpURL: String
    let databaseURL: String
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    static let topology = MooseTopology.topology(lanes: ["default"])

    /// Runs the body; afterwards every bucket must agree with its holds and its ledger.
    static func open(_ body: (PoolBench) async throws -> Void) async throws {
        try await TestStack.shared.withVirtualHost { amqpURL in
            try await MooseDatabase.withURL { databaseURL in
                try await open(amqpURL: amqpURL, databaseURL: databaseURL, body)
            }
        }
    }

    /// The same on the servers of a stack of one's own, which may then be frozen.
    static func open(on stack: Stack, _ body: (PoolBench) async throws -> Void) async throws {
        let databaseURL = try stack.databaseURL(database: "moose")
        try await MooseDatabase.migrate(databaseURL)
        try await open(amqpURL: stack.amqpURL(virtualHost: "moose"), databaseURL: databaseURL, body)
    }

    private static func open(
        amqpURL: String, databaseURL: String, _ body: (PoolBench) async throws -> Void
    ) async throws {
        let configuration = PostgresConfiguration(url: databaseURL)
        let bench = PoolBench(
            store: Store(try PostgresClient(configuration: configuration, maxConnections: 2)),
            control: Store(try PostgresClient(configuration: configuration, maxConnections: 2)),
            publisher: try AMQPPublisher(configuration: try AMQPConfiguration(url: amqpURL), topology: topology),
            amqpURL: amqpURL, databaseURL: databaseURL)
        do {
            try await bench.publisher.connect()
            try await body(bench)
            try await bench.database.expectBalancedBooks()
            try await bench.database.expectWholeLiveSets()
        } catch {
            await bench.close()
            throw error
        }
        await bench.close()
    }

    /// The bench's database, as the control connections see it.
    var database: MooseDatabase { MooseDatabase(url: databaseURL, client: control.postgres) }

    private func close() async {
        await publisher.close()
        await store.postgres.close()
        await control.postgres.close()
    }

    /// Runs a worker with one lane while the body runs, then drains it. The body may ask for the stop itself.
    func withPool(
        _ handlers: HandlerRegistry, slots: Int = 20, host: (any HostCheck)? = nil,
        _ configure: (inout WorkerConfiguration) -> Void = { _ in },
        _ body: (_ pool: WorkerPool, _ stop: @Sendable () -> Void) async throws -> Void
    ) async throws {
        var configuration = WorkerConfiguration(lanes: [.init(name: "default", slots: slots)])
        configuration.drainTimeout = .seconds(20)
        configure(&configuration)
        let consumer = try AMQPConsumer(
            configuration: try AMQPConfiguration(url: amqpURL), topology: Self.topology)
        try await consumer.connect()
        let pool = WorkerPool(
            configuration, handlers: handlers, store: store, control: control, consumer: consumer,
            publisher: publisher, host: host, logger: Self.logger)
        let (stops, stop) = AsyncStream<Void>.makeStream()
        let running = Task { try await pool.run(until: stops) }
        var failure: (any Error)?
        do {
            try await body(pool) { stop.finish() }
        } catch {
            failure = error
        }
        stop.finish()
        let result = await running.result
        await consumer.close()
        if let failure { throw failure }
        try result.get()
    }

    /// Publishes bodies as orders of the default lane, each under its id.
    func publish(_ bodies: [(id: UUID, body: String)]) async throws {
        try await WorkOrderPublisher(publisher).publish(
            bodies.map { .workOrder(id: $0.id, lane: "default", body: Array($0.body.utf8)) })
    }

    /// Publishes so many orders of the kind `work`.
    @discardableResult
    func publishWork(_ count: Int) async throws -> [UUID] {
        let ids = (0..<count).map { _ in UUID.timeOrdered() }
        try await publish(ids.map { ($0, #"{"kind":"work","title":"t","estimated_cost_usd":"0.01"}"#) })
        return ids
    }

    /// How many rows a table expression with its condition has.
    func count(_ source: String) async throws -> Int64 { try await database.count(source) }

    /// - Parameter limit: no expectation of speed; what can only be lost, and not late, need not be waited for long.
    func waitFor(
        _ wanted: Int64, _ source: String, within limit: Duration = .seconds(40),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await database.waitFor(wanted, source, within: limit, sourceLocation: sourceLocation)
    }

    /// Waits until the pool runs so many jobs. A row is `in_progress` before its worker has heard so: what is told to
    /// stop in between gives the order back without having begun it.
    func waitForJobs(
        _ wanted: Int, in pool: WorkerPool, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await eventually("the pool runs \(wanted) jobs", sourceLocation: sourceLocation) { pool.running == wanted }
    }
}
