import FoundationEssentials
import Glibc
import Testing
import WorkOrders

@testable import Worker

/// However a command ends, nothing of its process group goes on.
struct CommandHandlerTestsStopping {
    private let bench: CommandHandlerTestsBench

    init() throws { bench = try CommandHandlerTestsBench() }

    /// A grandchild that ignores SIGTERM, started before `ready` is printed.
    private static let stubbornGrandchild = """
        echo group=$$
        sh -c 'trap "" TERM; echo armed; while :; do sleep 1; done' &
        """

    @Test func `a command that runs too long is killed with a grandchild that ignores SIGTERM`() async throws {
        let outcome = try await bench.run(
            Self.stubbornGrandchild + "\nwait", job: CommandHandlerTestsBench.job(timeout: .milliseconds(500)),
            grace: .milliseconds(300))
        #expect(outcome.failure?.failureClass == .timeout)
        #expect(outcome.failure?.retry == .backoff)
        #expect(outcome.report.didStart)
        #expect(try CommandHandlerTestsBench.isGone(group: bench.group()))
    }

    @Test func `a leader that ignores SIGTERM is killed after the grace`() async throws {
        let outcome = try await bench.run(
            "echo group=$$; trap '' TERM; while :; do sleep 1; done",
            job: CommandHandlerTestsBench.job(timeout: .milliseconds(300)), grace: .milliseconds(200))
        #expect(outcome.failure?.failureClass == .timeout)
        #expect(try CommandHandlerTestsBench.isGone(group: bench.group()))
    }

    @Test func `a command that is told to end may still say what it used up`() async throws {
        let outcome = try await bench.run(
            #"""
            trap 'printf "{\"cost_usd\":\"0.5\",\"result\":1}" > "$MOOSE_RESULT_FILE"; echo bye; exit 0' TERM
            echo ready; while :; do :; done
            """#, job: CommandHandlerTestsBench.job(timeout: .milliseconds(500)))
        #expect(outcome.failure?.failureClass == .timeout)
        #expect(outcome.report.cost == MicroUSD(decimal: "0.5"))
        #expect(outcome.report.result == nil)
        #expect(outcome.report.output == "ready\nbye\n")
    }

    @Test func `cancelling the task kills the group, grandchild and all, and is no failure`() async throws {
        let handler = bench.handler(script: Self.stubbornGrandchild + "\nwait", grace: .milliseconds(200))
        let attempt = Task { await handler.run(CommandHandlerTestsBench.job()) }
        await bench.waits(for: "armed")
        attempt.cancel()
        let outcome = await attempt.value
        #expect(outcome.isInterrupted)
        #expect(outcome.report.didStart)
        #expect(try CommandHandlerTestsBench.isGone(group: bench.group()))
        #expect(try bench.leftInScratch.isEmpty)
    }

    @Test func `a cancelled order's command has half a second, however long its grace, and may still say what it cost`()
        async throws
    {
        let handler = bench.handler(
            script: #"trap 'printf "{\"cost_usd\":\"0.5\"}" > "$MOOSE_RESULT_FILE"; exit' TERM; "#
                + Self.stubbornGrandchild + "\nwait", grace: .seconds(3600))
        let job = CommandHandlerTestsBench.job()
        let attempt = Task { await handler.run(job) }
        await bench.waits(for: "armed")
        job.cancelFlag.set()
        attempt.cancel()
        let outcome = await attempt.value
        #expect(outcome.isInterrupted)
        #expect(outcome.report.cost == MicroUSD(decimal: "0.5"))
        #expect(try CommandHandlerTestsBench.isGone(group: bench.group()))
    }

    @Test func `a grandchild that ends itself in time keeps its grace although the leader is gone`() async throws {
        let handler = bench.handler(
            script: """
                echo group=$$
                sh -c 'trap "sleep 0.3; echo saved > saved; exit" TERM; echo armed; while :; do sleep 0.05; done' &
                wait
                """, grace: .seconds(3600))
        let attempt = Task { await handler.run(CommandHandlerTestsBench.job()) }
        await bench.waits(for: "armed")
        attempt.cancel()
        #expect(await attempt.value.isInterrupted)
        #expect(FileManager.default.fileExists(atPath: bench.root + "/saved"))
        #expect(try CommandHandlerTestsBench.isGone(group: bench.group()))
    }

    @Test func `a task cancelled before it begins starts nothing`() async throws {
        let handler = bench.handler(script: "echo started")
        let attempt = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return await handler.run(CommandHandlerTestsBench.job())
        }
        let outcome = await attempt.value
        #expect(outcome.isInterrupted)
        #expect(!outcome.report.didStart)
        #expect(bench.streamed.isEmpty)
        #expect(try bench.leftInScratch.isEmpty)
    }

    @Test func `a command that is done leaves no child behind, though the child holds its output`() async throws {
        let outcome = try await bench.run("echo group=$$; sleep 1000 & exit 0")
        #expect(outcome.isCompleted)
        #expect(try CommandHandlerTestsBench.isGone(group: bench.group()))
    }

    @Test func `a child that goes on writing does not keep a finished command open`() async throws {
        let outcome = try await bench.run("echo group=$$; yes & exit 3")
        #expect(outcome.failure?.failureClass == .unknown)
        #expect(try CommandHandlerTestsBench.isGone(group: bench.group()))
    }

    @Test func `a command killed by a stranger's signal is tried again`() async throws {
        let outcome = try await bench.run("kill -SEGV $$")
        #expect(outcome.failure?.failureClass == .infrastructure)
        #expect(outcome.failure?.retry == .backoff)
        #expect(outcome.failure?.message == "the command was killed by signal 11")
        #expect(outcome.report.didStart)
    }

    @Test func `a command that closes its output early is waited for`() async throws {
        let outcome = try await bench.run(
            #"exec >&- 2>&-; sleep 0.3; printf '{"result":7}' > "$MOOSE_RESULT_FILE""#)
        #expect(outcome.resultText == "7")
    }

    @Test func `a command that closes its input, or never reads it, is not disturbed by a large order`() async throws {
        let job = CommandHandlerTestsBench.job("{\"data\":\"\(String(repeating: "x", count: 1_000_000))\"}")
        #expect(try await bench.run("exec <&-; exit 0", job: job).isCompleted)
        #expect(try await bench.run("exit 0", job: job).isCompleted)
        #expect(try await bench.run("head -c 1 >/dev/null", job: job).isCompleted)
        let counted = try await bench.run("wc -c", job: job)
        #expect(
            Int(counted.report.output?.split(separator: "\n").first ?? "") == WorkOrderDocument.bytes(for: job)?.count)
    }
}
