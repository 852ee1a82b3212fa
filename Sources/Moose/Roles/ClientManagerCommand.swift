internal import AMQP
internal import ArgumentParser
internal import ClientManager
internal import Postgres
internal import Probes
internal import Settings
internal import Store

/// `moose client-manager`.
struct ClientManagerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client-manager",
        abstract: "Turn error events into escalations, and dead letters into rows that can be inspected.",
        discussion: """
            EXAMPLES
              moose client-manager
              moose client-manager --listen 127.0.0.1:9101
            """)

    @Option(help: "The configuration file (default: $MOOSE_CONFIG, then ./moose.yaml).") var config: String?
    @Option(
        name: ListenArgument.names,
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Where /healthz, /readyz and /metrics are served, such as 127.0.0.1:9101, or a port of 127.0.0.1 alone \
            (default: 0, any free one).
            """, valueName: "address"),
        transform: { try ListenArgument(parsing: $0) })
    var listen: ListenArgument?

    func run() async throws {
        try await runCommand {
            let role = try RoleProcess("client-manager", config: config)
            let connections = try await Connections.open(for: role)
            let reports = try Reports(role, store: connections.control, publisher: connections.publisher)
            let service = ClientManagerService(role, connections)
            let probes = role.probes(
                at: ServerAddress(listen?.address ?? ListenAddress(port: 0)),
                checks: {
                    [
                        ProbeCheck(name: "broker", isReady: connections.consumer.status().connected),
                        ProbeCheck(name: "database", isReady: connections.control.postgres.isHealthy),
                        reports.check,
                    ]
                        + service.progress.map { part in
                            ProbeCheck(name: part.name, isReady: part.trouble == nil, detail: part.trouble)
                        }
                })
            try await role.run(reports) { stop, group in
                group.addTask { await role.serve(probes) }
                try await service.run(until: stop)
            } finally: {
                await connections.close()
            }
        }
    }
}
