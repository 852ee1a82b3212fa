import FoundationEssentials
import Glibc
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Worker

/// Real processes: shell scripts that speak like a worker process to its parent.
@Suite(.serialized)
struct FleetTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static let ready = #"echo '{"port":1,"ready":true,"residentBytes":1,"lanes":{}}'"#
    /// Ready, then obeys: any message, and the end of its input, end it.
    private static let obedient = "echo \"pid $$\" >&2; \(ready); read -r word; echo \"told $word\" >&2; exit 0"

    private final class Lines: Sendable {
        private let lines = Mutex<[(process: Int, text: String)]>([])

        func add(_ process: Int, _ text: String) { lines.withLock { $0.append((process, text)) } }
        func texts(of process: Int) -> [String] {
            lines.withLock { $0.filter { $0.process == process }.map(\.text) }
        }
        /// The process that runs under this number now.
        func pid(of process: Int) -> pid_t? {
            texts(of: process).last { $0.hasPrefix("pid ") }.flatMap { pid_t($0.dropFirst(4)) }
        }
    }

    /// Keeps processes that run this script while the body runs, then kills what is left. Returns the group's status.
    private func keeping(
        _ script: String, _ terms: FleetTerms, onCrashLoop: @escaping @Sendable (Int) -> Void = { _ in },
        _ body: (Fleet, Lines, _ stop: @Sendable () -> Void) async throws -> Void
    ) async throws -> Int32 {
        let lines = Lines()
        let program = FleetProgram(
            executable: "/bin/sh", arguments: { ["-c", script, "sh", "\($0)"] }, onLine: { lines.add($0, $1) })
        let fleet = Fleet(terms, program: program, logger: Self.quiet) { number, _ in onCrashLoop(number) }
        let (stops, stop) = AsyncStream<Void>.makeStream()
        let running = Task { await fleet.run(until: stops) }
        do {
            try await body(fleet, lines) { stop.finish() }
        } catch {
            stop.finish()
            fleet.killAll()
            _ = await running.value
            throw error
        }
        return await running.value
    }

    @Test func `a killed process is started again and the lines of each are passed on with its number`() async throws {
        var terms = FleetTerms(processes: 2)
        terms.backoffBase = .milliseconds(10)
        let status = try await keeping(Self.obedient, terms) { fleet, lines, stop in
            try await eventually("both are ready") { fleet.snapshot.ready.count == 2 }
            let first = try #require(lines.pid(of: 1))
            kill(first, SIGKILL)
            try await eventually("another runs as process 1") {
                fleet.snapshot.ready.count == 2 && lines.pid(of: 1).map { $0 != first } ?? false
            }
            #expect(fleet.snapshot.restarts == 1)
            stop()
            try await eventually("both were told to drain") {
                (1...2).allSatisfy { lines.texts(of: $0).last == "told drain" }
            }
        }
        #expect(status == 0)
    }

    @Test func `a crash loop is told, and when nothing can start the group ends with the status of its processes`()
        async throws
    {
        var terms = FleetTerms(processes: 2)
        terms.backoffBase = .milliseconds(1)
        terms.loopAfter = 3
        let told = Mutex<[Int]>([])
        let status = try await keeping("echo no database >&2; exit 3", terms) { number in
            told.withLock { $0.append(number) }
        } _: { _, lines, _ in
            try await eventually("it has given up") {
                lines.texts(of: 1).count >= 3 && lines.texts(of: 2).count >= 3
            }
        }
        #expect(status == 3)
        #expect(told.withLock { Set($0) } == [1, 2])
    }

    @Test func `a program that isn't there ends the group too`() async throws {
        var terms = FleetTerms(processes: 1)
        terms.backoffBase = .milliseconds(1)
        let program = FleetProgram(executable: "/nonexistent/moose", arguments: { _ in [] }, onLine: { _, _ in })
        let fleet = Fleet(terms, program: program, logger: Self.quiet)
        let (stops, stop) = AsyncStream<Void>.makeStream()
        #expect(await fleet.run(until: stops) == 1)
        stop.finish()
    }

    @Test func `what shrinks is retired and not drained, and the rest go on`() async throws {
        let status = try await keeping(Self.obedient, FleetTerms(processes: 3)) { fleet, lines, stop in
            try await eventually("all are ready") { fleet.snapshot.ready.count == 3 }
            fleet.resize(to: 1)
            try await eventually("two have gone") { fleet.snapshot.members.count == 1 }
            #expect(lines.texts(of: 3).last == "told retire" && lines.texts(of: 2).last == "told retire")
            fleet.resize(to: 2)
            try await eventually("another has come") { fleet.snapshot.ready.count == 2 }
            stop()
        }
        #expect(status == 0)
    }

    @Test func `a process that holds too much is retired after its replacement is ready`() async throws {
        let script = """
            bytes=1; [ "$1" != 1 ] || bytes=1000
            echo '{"port":1,"ready":true,"residentBytes":'$bytes',"lanes":{}}'
            read -r word; [ "$word" != retire ] || read -r next; echo "told $word $next" >&2; exit 0
            """
        var terms = FleetTerms(processes: 1)
        terms.maxResidentBytes = 500
        terms.replaceableAfter = .zero
        let status = try await keeping(script, terms) { fleet, lines, stop in
            try await eventually("process 2 is ready and process 1 was told") {
                fleet.snapshot.ready.map(\.number) == [2] && fleet.snapshot.members.first?.isDraining ?? false
            }
            stop()
            try await eventually("both have ended") { lines.texts(of: 2).last == "told drain " }
            try await eventually("the old one too") { lines.texts(of: 1).last == "told retire drain" }
        }
        #expect(status == 0)
    }

    @Test func `a process that doesn't drain is killed, and so are all at once when asked`() async throws {
        // It says that it is ready and never reads.
        let stubborn = "trap '' TERM; echo \"pid $$\" >&2; \(Self.ready); while :; do sleep 1; done"
        var terms = FleetTerms(processes: 2)
        terms.drainLimit = .milliseconds(300)
        let status = try await keeping(stubborn, terms) { fleet, _, stop in
            try await eventually("both are ready") { fleet.snapshot.ready.count == 2 }
            stop()
        }
        #expect(status == 1)

        terms.drainLimit = .seconds(600)
        let atOnce = try await keeping(stubborn, terms) { fleet, lines, stop in
            try await eventually("both are ready") { fleet.snapshot.ready.count == 2 }
            stop()
            try await eventually("they drain") { fleet.snapshot.isStopping }
            fleet.killAll()
            try await eventually("they are gone") { fleet.snapshot.members.isEmpty }
            for number in 1...2 {
                let pid = try #require(lines.pid(of: number))
                #expect(kill(pid, 0) == -1)
            }
        }
        #expect(atOnce == 1)
    }

    @Test func `a long line comes whole, a broken last one too, and a report is no line`() async throws {
        let script = """
            printf '%020000d\\n' 7 >&2; echo '{"other":1}'; \(Self.ready); read -r word; printf 'last words' >&2; exit 0
            """
        let status = try await keeping(script, FleetTerms(processes: 1)) { fleet, lines, stop in
            try await eventually("it is ready") { fleet.snapshot.ready.count == 1 }
            stop()
            try await eventually("all is there") { lines.texts(of: 1).count == 3 }
            #expect(lines.texts(of: 1).contains { $0.count == 20_000 })
            #expect(lines.texts(of: 1).contains(#"{"other":1}"#))
            #expect(lines.texts(of: 1).last == "last words")
        }
        #expect(status == 0)
    }

    @Test func `the loss of a process is told by its number, when what it left behind has ended as well`() async throws
    {
        // As a worker with its guard, which shares its standard error.
        let script = """
            echo "pid $$" >&2; (while [ -e /proc/$$/exe ]; do sleep 0.01; done; sleep 0.1; echo "guard done" >&2) &
            \(Self.ready); read -r word; exit 0
            """
        let lines = Lines()
        let told = Mutex<[(process: Int32, isAfterGuard: Bool)]>([])
        let program = FleetProgram(
            executable: "/bin/sh", arguments: { ["-c", script, "sh", "\($0)"] }, onLine: { lines.add($0, $1) })
        let fleet = Fleet(
            FleetTerms(processes: 1), program: program, logger: Self.quiet,
            onLoss: { process in
                told.withLock { $0.append((process, lines.texts(of: 1).contains("guard done"))) }
            })
        let (stops, stop) = AsyncStream<Void>.makeStream()
        let running = Task { await fleet.run(until: stops) }
        try await eventually("it is ready") { fleet.snapshot.ready.count == 1 }
        let first = try #require(lines.pid(of: 1))
        kill(first, SIGKILL)
        try await eventually("its loss is told") { told.withLock { !$0.isEmpty } }
        stop.finish()
        _ = await running.value
        #expect(told.withLock { $0.map(\.process) } == [first])
        #expect(told.withLock { $0.allSatisfy(\.isAfterGuard) })
    }

    @Test func `a group that ends doesn't wait for a database that doesn't answer`() async throws {
        var terms = FleetTerms(processes: 1)
        terms.backoffBase = .milliseconds(1)
        terms.loopAfter = 2
        terms.tellingLimit = .milliseconds(100)
        let program = FleetProgram(executable: "/bin/sh", arguments: { _ in ["-c", "exit 3"] }, onLine: { _, _ in })
        let told = Mutex(0)
        let fleet = Fleet(
            terms, program: program, logger: Self.quiet,
            onLoss: { _ in
                told.withLock { $0 += 1 }
                // Until it is cancelled, as one is who asks for an answer in vain.
                try? await Task.sleep(for: .seconds(3600))
            })
        #expect(await fleet.run(until: AsyncStream { _ in }) == 3)
        #expect(told.withLock { $0 } == 2)
    }

    @Test func `a process finds its greeting before the first message, and only the environment it was given`()
        async throws
    {
        let script =
            "read -r greeting; echo \"env $(env | grep -c '^GIVEN\\|^HOME')\" >&2; \(Self.ready); "
            + "read -r word; echo \"$greeting, then $word\" >&2; exit 0"
        let lines = Lines()
        let program = FleetProgram(
            executable: "/bin/sh", arguments: { ["-c", script, "sh", "\($0)"] },
            environment: ["GIVEN": "1", "PATH": "/usr/bin:/bin"], greeting: Array("welcome\n".utf8),
            onLine: { lines.add($0, $1) })
        let fleet = Fleet(FleetTerms(processes: 1), program: program, logger: Self.quiet)
        let (stops, stop) = AsyncStream<Void>.makeStream()
        let running = Task { await fleet.run(until: stops) }
        try await eventually("it is ready") { fleet.snapshot.ready.count == 1 }
        stop.finish()
        #expect(await running.value == 0)
        #expect(lines.texts(of: 1) == ["env 1", "welcome, then drain"])
    }
}
