internal import ArgumentParser
internal import Logging
internal import MissionControl
internal import Postgres
internal import Probes
internal import Publisher
internal import Sentinel
internal import Settings
internal import Store

/// `moose mission-control`.
struct MissionControlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mission-control",
        abstract: "Serve HTTP to the outside: GitHub's webhooks with what CI says of pull requests.",
        discussion: """
            It listens on loopback only; a proxy or a tunnel brings GitHub's webhooks to /api/sentinel. A running \
            client-manager judges what they say (see docs/ci.md).

            EXAMPLES
              MOOSE_SENTINEL_SECRET=$(cat secret) moose mission-control
              moose mission-control --listen 127.0.0.1:8090
            """)

    @Option(help: "The configuration file (default: $MOOSE_CONFIG, then ./moose.yaml).") var config: String?
    @Option(
        name: ListenArgument.names,
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Where /api/sentinel, /healthz, /readyz and /metrics are served: on loopback, such as [::1]:8080, or a port \
            of 127.0.0.1 alone; 0 takes any free one (default: 127.0.0.1:8080).
            """, valueName: "address"),
        transform: { try ListenArgument(parsing: $0) })
    var listen: ListenArgument?

    private var address: ServerAddress {
        ServerAddress(listen?.address ?? ListenAddress(port: 8080))
    }

    func validate() throws {
        guard address.isLoopback else {
            throw ValidationError(
                "--listen has to be on loopback, such as 127.0.0.1:8080: other machines would reach what changes work. "
                    + "Let a proxy or a tunnel with TLS bring /api/sentinel to it.")
        }
    }

    func run() async throws {
        try await runCommand {
            let role = try RoleProcess("mission-control", config: config, component: "sentinel")
            // The broker only for reports while the database is away: no webhook waits for it.
            let connections = try LazyConnections(
                role.settings, name: role.name, sessions: 2, databaseLog: role.logger)
            let store = connections.store
            try await ServerDemand(role).connect(store)
            let reports = try Reports(role, store: store, publisher: connections.publisher)
            let secret = role.settings.sentinel.secret
            if secret == nil {
                role.logger.warning(
                    "webhooks are refused: no secret; set MOOSE_SENTINEL_SECRET, or sentinel.secret in moose.yaml")
            }
            let webhooks = SentinelRoute(SentinelReceiver(store: store, secret: secret, reporter: role.reporter))
            let probes = role.probes(
                at: address, routes: [webhooks.route], announcement: "mission control ready",
                checks: {
                    [
                        ProbeCheck(name: "database", isReady: store.postgres.isHealthy), reports.check,
                        ProbeCheck(
                            name: "secret", isReady: secret != nil,
                            detail: secret == nil ? "webhooks are refused: no secret is set" : nil),
                    ]
                })
            try await role.run(reports) { stop, group in
                group.addTask { try await probes.run() }
                group.addTask { for await _ in stop { break } }
                group.addTask { await HoldExpiry(store: store, reporter: role.reporter).run() }
                // Whichever comes first: a signal, or a port that can't be had.
                try await group.next()
                group.cancelAll()
                try await group.waitForAll()
            } finally: {
                await connections.close()
            }
        }
    }
}
