internal import AMQP
internal import Logging
internal import Postgres
internal import Probes
internal import Reporting
internal import Settings
internal import Spool
internal import Store

/// The reporting of one process: its reporter with the three nets below it.
struct Reports: Sendable {
    let reporter: Reporter
    private let delivery: ReportDelivery

    /// - Parameter connections: whose nets are used.
    init(_ reporter: Reporter, _ connections: Connections, _ settings: Settings, logger: Logger) throws {
        try self.init(
            reporter, store: connections.control, publisher: connections.publisher, settings, logger: logger)
    }

    init(
        _ reporter: Reporter, store: Store, publisher: AMQPPublisher, _ settings: Settings, logger: Logger
    ) throws {
        self.reporter = reporter
        delivery = ReportDelivery(
            reporter, store: store, publisher: publisher, spool: try SpoolPlace.spool(settings), logger: logger)
    }

    /// For a process without connections of its own: they are made when there is something to report.
    static func supervising(
        _ settings: Settings, logger: Logger, _ body: (Reporter) async throws -> Void
    ) async throws {
        let reporter = Reporter(component: "supervisor", logger: logger)
        var database = PostgresConfiguration(url: settings.database.url)
        database.applicationName = "moose supervisor"
        let client = try PostgresClient(configuration: database, maxConnections: 1)
        var broker = try AMQPConfiguration(settings)
        broker.connectionName = "moose supervisor"
        let publisher = try AMQPPublisher(configuration: broker)
        let reports = try Reports(reporter, store: Store(client), publisher: publisher, settings, logger: logger)
        let result = await reports.delivering { try await body(reporter) }
        await publisher.close()
        await client.close()
        try result.get()
    }

    /// Delivers while the body runs; then delivers or spools what is left.
    func delivering(_ body: () async throws -> Void) async -> Result<Void, any Error> {
        let running = Task { await delivery.run() }
        let result = await asyncResult(body)
        running.cancel()
        await running.value
        // A task of its own: a stop that cancels this one must not take the time to spool.
        await Task { await delivery.finish() }.value
        return result
    }

    /// Not ready while reports wait in memory because no net takes them.
    var check: ProbeCheck { ProbeCheck(name: "reports", isReady: delivery.trouble == nil, detail: delivery.trouble) }
}
