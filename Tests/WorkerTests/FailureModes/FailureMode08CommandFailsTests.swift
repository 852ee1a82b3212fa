import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// Failure mode 8: a command handler fails, in each way a program can.
struct FailureMode08CommandFailsTests {
    struct Way: Sendable, CustomTestStringConvertible {
        var name: String
        var argv: [String]
        var failureClass: String
        var trigger: String
        var words: String

        var testDescription: String { name }
    }

    private static func shell(_ script: String) -> [String] { ["/bin/sh", "-c", script] }

    static let ways = [
        Way(
            name: "missing binary", argv: ["/no/such/program"], failureClass: "infrastructure",
            trigger: "infrastructure", words: "/no/such/program"),
        Way(
            name: "non-zero exit", argv: shell("echo 'the tests are red'; exit 3"), failureClass: "unknown",
            trigger: "technical_blocker", words: "exit code 3: the tests are red"),
        Way(
            name: "killed", argv: shell("kill -9 $$"), failureClass: "infrastructure", trigger: "infrastructure",
            words: "killed by signal 9"),
        Way(
            name: "timeout", argv: shell("sleep 1000"), failureClass: "timeout", trigger: "technical_blocker",
            words: "longer than its time-out"),
        Way(
            name: "garbage output", argv: shell(#"head -c 3000 /dev/urandom > "$MOOSE_RESULT_FILE""#),
            failureClass: "malformed_output", trigger: "technical_blocker", words: "not valid UTF-8"),
    ]

    @Test(arguments: ways) func `a command that fails is escalated in its own words`(_ way: Way) async throws {
        try await PoolBench.open { bench in
            let commands = try CommandHandlerTestsBench()
            let handler = commands.handler(
                CommandConfiguration(argv: way.argv, workingDirectory: commands.root, terminationGrace: .seconds(1)))
            var handlers = HandlerRegistry()
            handlers.register(
                "work",
                .init(
                    handler, timeout: .milliseconds(way.name == "timeout" ? 300 : 60_000),
                    defaultEstimate: .zero, maxAttempts: 1))
            try await bench.withClientManager {
                try await bench.withPool(handlers) { _, _ in
                    let id = try await bench.publishWork(1)[0]
                    try await bench.expectEscalated(id, failureClass: way.failureClass, trigger: way.trigger)
                    #expect(try await bench.state(id) == "failed")
                    #expect(
                        try await bench.count(
                            "moose.escalations WHERE position('\(way.words)' in message) > 0") == 1)
                }
            }
            #expect(try commands.leftInScratch.isEmpty)
            #expect(try await bench.count("moose.budget_buckets WHERE held_u <> 0") == 0)
        }
    }
}
