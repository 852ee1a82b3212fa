import ArgumentParser
import Operations
import Postgres
import Probes
import Settings
import TestSupport
import Testing

@testable import Moose

/// What a command line is told before anything is tried, and what its exit code says afterwards.
struct CommandLineTests {
    @Test(arguments: [
        ("65536", "from 0 to 65535"), ("-1", "an address and a port"), ("localhost:80", "names no address"),
        ("::1:80", "[::1]:9100"),
    ])
    func `an address to listen on that is none is wrong use`(address: String, words: String) throws {
        let roles =
            [WorkerCommand.self, ClientManagerCommand.self, MissionControlCommand.self] as [any ParsableCommand.Type]
        for role in roles {
            let error = #expect(throws: (any Error).self) { try role.parse(["--listen", address]) }
            #expect(role.message(for: try #require(error)).contains(words))
            #expect(role.exitCode(for: try #require(error)) == .validationFailure)
            #expect(throws: Never.self) { try role.parse(["--listen", "65535"]) }
            #expect(throws: Never.self) { try role.parse(["--listen", "[::1]:0"]) }
        }
    }

    @Test(arguments: ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080"])
    func `what is only looked at may be shown to other machines, what changes work may not`(address: String) throws {
        #expect(throws: Never.self) { try WorkerCommand.parse(["--listen", address]) }
        #expect(throws: Never.self) { try ClientManagerCommand.parse(["--listen", address]) }
        let error = #expect(throws: (any Error).self) { try MissionControlCommand.parse(["--listen", address]) }
        #expect(MissionControlCommand.message(for: try #require(error)).contains("has to be on loopback"))
        #expect(MissionControlCommand.exitCode(for: try #require(error)) == .validationFailure)
    }

    @Test func `a worker listens where its command line says, else where its settings say`() throws {
        let settings = try Settings.parse("worker: {listen: 0.0.0.0:9100}", file: nil, environment: [:])
        #expect(try WorkerCommand.parse([]).address(settings) == ServerAddress(host: "0.0.0.0", port: 9100))
        let given = try WorkerCommand.parse(["--listen", "9200"])
        #expect(given.address(settings) == ServerAddress(port: 9200))
        #expect(try WorkerCommand.parse([]).address(Settings()) == ServerAddress(port: 0))
    }

    @Test func `a lane that is named twice is wrong use`() throws {
        let arguments = ["--lane", "bulk:1", "--lane", "llm:1", "--lane", "bulk:2"]
        let error = #expect(throws: (any Error).self) { try WorkerCommand.parse(arguments) }
        #expect(WorkerCommand.message(for: try #require(error)).contains("bulk twice"))
        #expect(throws: Never.self) { try WorkerCommand.parse(["--lane", "bulk:1", "--lane", "llm:1"]) }
    }

    @Test func `without the schema every command is refused, as a worker is`() async throws {
        try await TestStack.shared.withDatabase { url in
            let client = try PostgresClient(configuration: PostgresConfiguration(url: url), maxConnections: 1)
            let error = await #expect(throws: PostgresError.self) { _ = try await SystemStatus.load(from: client) }
            await client.close()
            let failure = CommandFailure(reporting: try #require(error))
            #expect(failure.status == .refused && failure.next == "Run `moose migrate`")
        }
    }

    @Test func `a queue that isn't there is no matter of the topology`() {
        let failure = QueueAccess.missing("nope")
        #expect(failure.what == "the broker has no queue 'nope'" && failure.status == .refused)
        #expect(!failure.description.contains("topology"))
    }
}
