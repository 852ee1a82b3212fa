internal import AMQP
internal import FoundationEssentials
internal import Logging
internal import Messaging
internal import Postgres
internal import Reporting
internal import Settings
internal import Store

/// The connections of a role that takes work from queues, opened in order: database, publisher, consumer.
struct Connections: Sendable {
    /// For claims, finishes and what is registered, one connection for each.
    let store: Store
    /// For heartbeats, sweeps and the relay, which must not wait behind claims.
    let control: Store
    let publisher: AMQPPublisher
    let consumer: AMQPConsumer

    /// Opens all of them. The role's reporter hears what the broker's clients complain of.
    /// - Throws: typed errors that say what to do: unreachable, wrong password, missing virtual host, old schema.
    static func open(for role: RoleProcess) async throws -> Connections {
        let settings = role.settings
        var configuration = PostgresConfiguration(url: settings.database.url)
        configuration.applicationName = "moose \(role.name)"
        let writer = try PostgresClient(configuration: configuration, maxConnections: 3, logger: role.logger)
        configuration.applicationName = "moose \(role.name) control"
        let control = try PostgresClient(configuration: configuration, maxConnections: 2, logger: role.logger)
        try await ServerDemand(role).connect(Store(writer))
        let topology = MooseTopology.topology(lanes: settings.lanes.keys)
        let brokerLog = Logger(label: role.logger.label) { _ in BrokerLog(role.logger, role.reporter) }
        var broker = try AMQPConfiguration(settings)
        broker.connectionName = "moose \(role.name) publish"
        let publisher = try AMQPPublisher(configuration: broker, topology: topology, logger: brokerLog)
        try await publisher.connect()
        broker.connectionName = "moose \(role.name) consume"
        let consumer = try AMQPConsumer(configuration: broker, topology: topology, logger: brokerLog)
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
