internal import AMQP
internal import Logging
internal import Probes
internal import Reporting
internal import Settings
internal import Spool
internal import Store

/// The reporting of one process: its reporter with the three nets below it.
struct Reports: Sendable {
    private let delivery: ReportDelivery

    /// Of a role.
    init(_ role: RoleProcess, store: Store, publisher: AMQPPublisher) throws {
        try self.init(role.reporter, store: store, publisher: publisher, role.settings, logger: role.logger)
    }

    private init(
        _ reporter: Reporter, store: Store, publisher: AMQPPublisher, _ settings: Settings, logger: Logger
    ) throws {
        delivery = ReportDelivery(
            reporter, store: store, publisher: publisher, spool: try SpoolPlace.spool(settings), logger: logger)
    }

    /// For a process without connections of its own: they are made when there is something to report.
    static func supervising(
        _ settings: Settings, logger: Logger, _ body: (Reporter) async throws -> Void
    ) async throws {
        let reporter = Reporter(component: "supervisor", logger: logger)
        let connections = try LazyConnections(settings, name: "supervisor", sessions: 1)
        let reports = try Reports(
            reporter, store: connections.store, publisher: connections.publisher, settings, logger: logger)
        let result = await reports.delivering { try await body(reporter) }
        await connections.close()
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
