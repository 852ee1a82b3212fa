import ArgumentParser
import Postgres
import TestSupport
import Testing

@testable import Moose

/// What a command line is told before anything is tried, and what its exit code says afterwards.
struct CommandLineTests {
    @Test(arguments: [65_536, 99_999, -1]) func `a port that is none is wrong use`(port: Int) throws {
        let arguments = ["--http-port=\(port)"]
        for command in [ClientManagerCommand.self, MissionControlCommand.self] as [any ParsableCommand.Type] {
            let error = #expect(throws: (any Error).self) { try command.parse(arguments) }
            #expect(command.message(for: try #require(error)).contains("0 to 65535"))
            #expect(command.exitCode(for: try #require(error)) == .validationFailure)
        }
        #expect(throws: Never.self) { try ClientManagerCommand.parse(["--http-port", "65535"]) }
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
