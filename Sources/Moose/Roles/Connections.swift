internal import AMQP
internal import FoundationEssentials
internal import Logging
internal import Messaging
internal import Postgres
internal import Reporting
internal import Settings
internal import Store

/// The connections of a long-running role, opened in order: database, publisher, consumer.
struct Connections: Sendable {
    /// For claims and finishes, one connection for each.
    let store: Store
    /// For heartbeats, sweeps and the relay, which must not wait behind claims.
    let control: Store
    let publisher: AMQPPublisher
    let consumer: AMQPConsumer

    /// Opens all of them.
    /// - Parameter reporter: hears what the broker's clients complain of; nil: only the log does.
    /// - Throws: typed errors that say what to do: unreachable, wrong password, missing virtual host, old schema.
    static func open(
        _ settings: Settings, role: String, logger: Logger, reporter: Reporter? = nil
    ) async throws -> Connections {
        var configuration = PostgresConfiguration(url: settings.database.url)
        configuration.applicationName = "moose \(role)"
        let writer = try PostgresClient(configuration: configuration, maxConnections: 2, logger: logger)
        configuration.applicationName = "moose \(role) control"
        let control = try PostgresClient(configuration: configuration, maxConnections: 2, logger: logger)
        try await writer.connect()
        try await ServerDemand(settings: settings, logger: logger).check(Store(writer), reporter: reporter)
        try await Store(writer).requireSchema()
        let topology = MooseTopology.topology(lanes: settings.lanes.keys)
        let brokerLog = reporter.map { reporter in
            Logger(label: logger.label) { _ in BrokerLog(logger, reporter) }
        }
        var broker = try AMQPConfiguration(settings)
        broker.connectionName = "moose \(role) publish"
        let publisher = try AMQPPublisher(configuration: broker, topology: topology, logger: brokerLog ?? logger)
        try await publisher.connect()
        broker.connectionName = "moose \(role) consume"
        let consumer = try AMQPConsumer(configuration: broker, topology: topology, logger: brokerLog ?? logger)
        try await consumer.connect()
        return Connections(store: Store(writer), control: Store(control), publisher: publisher, consumer: consumer)
    }

    func close() async {
        await consumer.close()
        await publisher.close()
        await store.postgres.close()
        await control.postgres.close()
    }
}
