import AMQP
import ClientManager
import DatabaseSupport
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
    let database: MooseDatabase
    let publisher: AMQPPublisher
    let broker: AMQPConfiguration

    var store: Store { Store(database.client) }

    static func open(_ body: (Desk) async throws -> Void) async throws {
        try await TestStack.shared.withVirtualHost { amqpURL in
            try await MooseDatabase.open { database in
                try await run(AMQPConfiguration(url: amqpURL), database, body)
            }
        }
    }

    private static func run(
        _ broker: AMQPConfiguration, _ database: MooseDatabase, _ body: (Desk) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let topology = MooseTopology.topology(lanes: ["default"])
        let publisher = try AMQPPublisher(configuration: broker, topology: topology)
        let consumer = try AMQPConsumer(configuration: broker, topology: topology)
        let desk = Desk(database: database, publisher: publisher, broker: broker)
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
        if let failure { throw failure }
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
    func count(_ source: String) async throws -> Int64 { try await database.count(source) }

    /// - Parameter limit: no expectation of speed; what can only be lost, and not late, need not be waited for long.
    func waitFor(
        _ wanted: Int64, _ source: String, within limit: Duration = .seconds(40),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await database.waitFor(wanted, source, within: limit, sourceLocation: sourceLocation)
    }
}
