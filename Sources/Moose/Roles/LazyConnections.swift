internal import AMQP
internal import Logging
internal import Postgres
internal import Settings
internal import Store

/// The connections of a process that takes nothing from queues: each is made when it is first needed.
struct LazyConnections: Sendable {
    let store: Store
    let publisher: AMQPPublisher

    /// Connects to nothing yet.
    ///
    /// - Parameters:
    ///   - name: of the process, after `moose ` in both servers.
    ///   - sessions: with the database, at most.
    ///   - databaseLog, brokerLog: hear of lost connections; nil: nobody does.
    init(
        _ settings: Settings, name: String, sessions: Int, databaseLog: Logger? = nil, brokerLog: Logger? = nil
    ) throws {
        var database = PostgresConfiguration(url: settings.database.url)
        database.applicationName = "moose \(name)"
        store = Store(try PostgresClient(configuration: database, maxConnections: sessions, logger: databaseLog))
        var broker = try AMQPConfiguration(settings)
        broker.connectionName = "moose \(name)"
        publisher = try AMQPPublisher(configuration: broker, logger: brokerLog)
    }

    func close() async {
        await publisher.close()
        await store.postgres.close()
    }
}
