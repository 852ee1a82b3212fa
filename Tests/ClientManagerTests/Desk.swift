import AMQP
import ClientManager
import FoundationEssentials
import Logging
import Messaging
import Postgres
import Publisher
import Store
import TestSupport
import Testing
import WorkOrders

/// A Client Manager that runs, with a broker and a database of its own.
struct Desk: Sendable {
    let store: Store
    let publisher: AMQPPublisher
    let broker: AMQPConfiguration

    static func open(_ body: (Desk) async throws -> Void) async throws {
        try await TestStack.shared.withBoth(
            template: "moose",
            migrate: { url in
                let client = try PostgresClient(configuration: PostgresConfiguration(url: url), maxConnections: 1)
                try await Migrator(client: client).apply(Migrations.all)
                // SQL that breaks a rule, to show that a test notices (Tests/Mutants).
                if let mutant = ProcessInfo.processInfo.environment["MOOSE_TEST_MUTANT"] {
                    try await client.runSimple(mutant)
                }
                await client.close()
            },
            { amqpURL, databaseURL in
                let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
                let topology = MooseTopology.topology(lanes: ["default"])
                let broker = try AMQPConfiguration(url: amqpURL)
                let client = try PostgresClient(
                    configuration: PostgresConfiguration(url: databaseURL), maxConnections: 2)
                let publisher = try AMQPPublisher(configuration: broker, topology: topology)
                let consumer = try AMQPConsumer(configuration: broker, topology: topology)
                let desk = Desk(store: Store(client), publisher: publisher, broker: broker)
                let (stops, stop) = AsyncStream<Void>.makeStream()
                var failure: (any Error)?
                do {
                    try await publisher.connect()
                    try await consumer.connect()
                    let service = ClientManagerService(
                        store: desk.store, consumer: consumer, publisher: publisher, logger: logger)
                    let running = Task { try await service.run(until: stops) }
                    do {
                        try await body(desk)
                    } catch {
                        failure = error
                    }
                    stop.finish()
                    try await running.value
                } catch {
                    failure = failure ?? error
                }
                await consumer.close()
                await publisher.close()
                await client.close()
                if let failure { throw failure }
            })
    }

    static func event(_ message: String, operation: String) -> ErrorEvent {
        ErrorEvent(
            component: "proposer", operation: operation, severity: .critical, message: message,
            failureClass: .testFail)
    }

    func report(_ events: [ErrorEvent]) async throws {
        try await publisher.publish(try events.map { try .errorEvent($0) })
    }

    /// How many rows a table expression with its condition has.
    func count(_ source: String) async throws -> Int64 {
        let result = try await store.postgres.run("SELECT count(*) FROM \(unescaped: source)")
        return try #require(result.first).decode(0, as: Int64.self)
    }

    /// - Parameter limit: no expectation of speed; what can only be lost, and not late, need not be waited for long.
    func waitFor(
        _ wanted: Int64, _ source: String, within limit: Duration = .seconds(40),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var seen: Int64 = 0
        try await eventually(
            "there are \(wanted) rows of \(source), at last \(seen)", timeout: limit, sourceLocation: sourceLocation
        ) {
            seen = try await count(source)
            return seen == wanted
        }
    }
}
