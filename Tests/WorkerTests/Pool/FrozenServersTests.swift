import AMQP
import FoundationEssentials
import Glibc
import Postgres
import Stack
import Store
import TestSupport
import Testing
import WorkOrders

@testable import Worker

struct FrozenServersTests {
    @Test func `while both servers are frozen no thread of the cooperative pool waits for them`() async throws {
        try await withOwnServers { stack in
            try await PoolBench.open(on: stack) { bench in
                let commands = try CommandHandlerTestsBench()
                var handlers = HandlerRegistry()
                handlers.register("work", .init(commands.handler(script: "sleep 0.1"), defaultEstimate: .zero))
                try await bench.withPool(handlers, slots: 8) { configuration in
                    // So often that each asks the frozen servers.
                    configuration.heartbeat = .milliseconds(100)
                    configuration.sweep = .milliseconds(100)
                    configuration.leasePass = .milliseconds(100)
                } _: { _, _ in
                    try await bench.publishWork(100)
                    try await eventually("commands have run") {
                        try await bench.count("moose.work_orders WHERE state = 'completed'") >= 8
                    }
                    _ = try #require(await PoolMeeting.hold(), "the pool is narrower than the machine")
                    let (published, counted) = try await whileFrozen(stack) {
                        let published = Task { try await bench.publishWork(20) }
                        let counted = Task { try await bench.count("moose.work_orders") }
                        try await meet(for: .seconds(3))
                        return (published, counted)
                    }
                    _ = try await (published.value, counted.value)
                    try await bench.waitFor(120, "moose.work_orders WHERE state = 'completed'")
                }
                #expect(try commands.leftInScratch.isEmpty)
            }
        }
    }

    /// Meeting after meeting, until the time is over.
    private func meet(for time: Duration) async throws {
        let end = ContinuousClock.now + time
        var meetings = 0
        var longest = Duration.zero
        repeat {
            let took = try #require(
                await PoolMeeting.hold(),
                "a thread of the pool of \(PoolMeeting.everybody) is held, after \(meetings) meetings")
            meetings += 1
            longest = max(longest, took)
            try await Task.sleep(for: .milliseconds(10))
        } while ContinuousClock.now < end
        print("\(meetings) meetings of all \(PoolMeeting.everybody) threads, the slowest after \(longest)")
    }

    /// The servers go on also when the body fails: what waits for them must end.
    private func whileFrozen<Result>(_ stack: Stack, _ body: () async throws -> Result) async throws -> Result {
        for server in StackServer.allCases { try stack.signal(server, SIGSTOP) }
        defer { for server in StackServer.allCases { try? stack.signal(server, SIGCONT) } }
        return try await body()
    }
}
