internal import AMQP
internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import Messaging
internal import Postgres
internal import Publisher
internal import Reporting
internal import Settings
internal import Stack
internal import Store
internal import Synchronization
internal import Telemetry

/// `moose up`.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "The whole system on this machine: private servers, workers, the Client Manager.",
        discussion: """
            With --example it also publishes the folder's work-orders.ndjson and shows how they end. On a terminal it \
            stays up until Ctrl-C; without one it ends when the work is done. Logs are in the stack's folder.

            EXAMPLES
              moose up
              moose up --example deploy/examples
            """)

    @OptionGroup var place: StackFolder
    @Option(help: "A folder with moose.yaml and work-orders.ndjson.") var example: String?
    @Option(help: "The configuration file (default: the example's, $MOOSE_CONFIG, ./moose.yaml).") var config: String?
    @Option(help: "Worker processes.") var processes = 2

    func run() async throws {
        try await runCommand {
            LogSetup.bootstrap(level: .warning, environment: ProcessInfo.processInfo.environment)
            try StopSignal.listen(logger: Logger(label: "up"))
            let hasServers = Mutex(false)
            let result = await asyncResult {
                try await StopSignal.whileWatching { stop in
                    try await Self.unlessStopped(stop) {
                        print("Starting RabbitMQ and Postgres in \(place.folder) …")
                        let addresses = try await place.stack.start()
                        hasServers.withLock { $0 = true }
                        print(addresses)
                        try await live(addresses)
                    }
                }
            }
            if hasServers.withLock({ $0 }) {
                print("Stopping the servers …")
                try await place.stack.stop()
            }
            try result.get()
        }
    }

    /// Runs the body; a stop cancels it, waits for its end, and makes an orderly one of it.
    private static func unlessStopped(
        _ stop: AsyncStream<Void>, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in stop { break }
                return true
            }
            group.addTask {
                try await body()
                return false
            }
            let isStopped = try await group.next() ?? true
            group.cancelAll()
            do {
                try await group.waitForAll()
            } catch {
                // What a cancelled body throws is the stop itself.
                guard isStopped else { throw error }
            }
        }
    }

    private func live(_ addresses: StackAddresses) async throws {
        var environment = ProcessInfo.processInfo.environment
        environment["MOOSE_AMQP_URL"] = addresses.amqpURL
        environment["MOOSE_DATABASE_URL"] = addresses.databaseURL
        environment["MOOSE_SPOOL_FOLDER"] = place.spoolFolder
        for name in ["MOOSE_AMQP_URL_FILE", "MOOSE_DATABASE_URL_FILE"] { environment[name] = nil }
        let config = config ?? example.map { "\($0)/moose.yaml" }
        let settings = try Settings.checked(path: config, environment: environment)
        let client = try PostgresClient(
            configuration: PostgresConfiguration(url: settings.database.url), maxConnections: 1)
        let result = await asyncResult {
            _ = try await Migrator(client: client).apply(.moose)
            let topology = MooseTopology.topology(lanes: settings.lanes.keys)
            try await TopologyAccess.withPublisher(settings) { try await $0.declare(topology) }
            let logger = Logger(label: "up")
            try await Reports.supervising(settings, logger: logger) { reporter in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (name, arguments) in roles(config) {
                        group.addTask { await supervise(name, arguments, settings, reporter) }
                    }
                    let outcome = await asyncResult { try await show(settings, client) }
                    print("Draining the workers …")
                    group.cancelAll()
                    try await group.waitForAll()
                    try outcome.get()
                }
            }
        }
        await client.close()
        try result.get()
    }

    private func supervise(
        _ name: String, _ arguments: [String], _ settings: Settings, _ reporter: Reporter
    ) async {
        await Supervisor.keepRunning(
            arguments, name: name,
            environment: [
                "MOOSE_AMQP_URL": settings.broker.url, "MOOSE_DATABASE_URL": settings.database.url,
                "MOOSE_SPOOL_FOLDER": place.spoolFolder,
            ],
            log: "\(place.folder)/\(name).log", reporter: reporter)
    }

    /// Runs the example, then stays up where somebody watches, until the task is cancelled.
    private func show(_ settings: Settings, _ client: PostgresClient) async throws {
        if let example { try await ExampleRun(folder: example, client: client, settings: settings).run() }
        guard example == nil || isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 else { return }
        print("Up. `eval \"$(moose stack env)\"` in another terminal, then `moose status`. Ctrl-C stops.")
        let (forever, end) = AsyncStream<Void>.makeStream()
        for await _ in forever {}
        end.finish()
    }

    private func roles(_ config: String?) -> [(String, [String])] {
        let options = config.map { ["--config", $0] } ?? []
        return (1...max(1, processes)).map { ("worker-\($0)", ["worker"] + options) }
            + [("client-manager", ["client-manager"] + options)]
    }
}
