internal import ArgumentParser
internal import FoundationEssentials
internal import LedgerClient
internal import Postgres

/// `moose bench ledger-client`: one of the processes of `moose bench ledger`.
struct LedgerClientCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger-client", abstract: "One client of moose bench ledger.", shouldDisplay: false)

    static let urlVariable = "MOOSE_BENCH_DATABASE_URL"
    /// Of the advisory lock that starts all clients together.
    static let barrier: Int64 = 0x6D6F_6F73_6500_0001

    @Option var kind: LedgerLoad.Kind
    @Option var batch: Int
    @Option var seconds: Int

    func run() async throws {
        try await runCommand {
            guard let url = ProcessInfo.processInfo.environment[Self.urlVariable] else {
                throw CommandFailure(
                    "this is a part of another command", next: "Run: moose bench ledger", status: .usage)
            }
            var configuration = PostgresConfiguration(url: url)
            configuration.applicationName = "moose bench client"
            configuration.lockTimeout = .seconds(60)
            configuration.statementTimeout = .seconds(60)
            let client = try PostgresClient(configuration: configuration, maxConnections: 1)
            let result: Result<LedgerTally, any Error>
            do {
                var load = LedgerLoad(batch: LedgerBatch(client), kind: kind, size: batch)
                try await load.warmUp()
                _ = try await client.run("SELECT pg_advisory_lock_shared(\(Self.barrier))")
                result = .success(try await load.run(seconds: seconds))
            } catch {
                result = .failure(error)
            }
            await client.close()
            print(String(decoding: try JSONEncoder().encode(try result.get()), as: UTF8.self))
        }
    }
}
