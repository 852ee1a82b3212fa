internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres
internal import Settings

/// What all commands that look into the system share: the configuration, and how the answer is printed.
struct CommonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The configuration file (default: $MOOSE_CONFIG, then ./moose.yaml).", valueName: "file"))
    var config: String?

    @Flag(help: "Print JSON.")
    var json = false

    /// The settings in force.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` and every mistake of the configuration.
    func settings() throws(CommandFailure) -> Settings {
        do {
            return try Settings.checked(path: config, environment: ProcessInfo.processInfo.environment)
        } catch {
            throw CommandFailure(reporting: error)
        }
    }

    /// Standard output, as tables and colours see it.
    var terminal: Terminal { .standardOutput(environment: ProcessInfo.processInfo.environment) }

    /// Lends a client of the database that is known to answer; closes it afterwards.
    ///
    /// - Throws: what `body` throws; ``CommandFailure`` with ``ExitStatus/unreachable`` when there is no database.
    func withDatabase<Value>(_ body: (PostgresClient) async throws -> Value) async throws -> Value {
        let configuration = PostgresConfiguration.operations(
            url: try settings().database.url, applicationName: "moose command")
        let client = try PostgresClient(configuration: configuration, maxConnections: 1)
        do {
            try await client.connect()
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }
}
