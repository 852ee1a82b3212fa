internal import ArgumentParser
internal import FoundationEssentials
internal import Logging
internal import Postgres
internal import Telemetry

/// `moose bench ledger`.
struct BenchLedger: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Holds a second on one hot path, beside a table lock and a row lock.",
        discussion: """
            Starts servers of its own, with fsync on, and removes them. Every hold counts against six budgets: day \
            and month of the organisation, of one project and of one agent. The references keep a single budget.

            EXAMPLES
              moose bench ledger
              moose bench ledger --rounds 5 --seconds 5 --json
            """)

    private static let rowLock = "row lock, one a transaction (pgbench)"

    @Option(help: "Rounds; the median counts.") var rounds = 3
    @Option(help: "How long each figure is measured in a round, in seconds.") var seconds = 1
    @Option(help: "How long the latency is measured in a round, in seconds.") var latencySeconds = 10
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (1...100).contains(rounds) else { throw ValidationError("--rounds goes from 1 to 100.") }
        guard (1...600).contains(seconds) else { throw ValidationError("--seconds goes from 1 to 600.") }
        guard (1...600).contains(latencySeconds) else {
            throw ValidationError("--latency-seconds goes from 1 to 600.")
        }
    }

    func run() async throws {
        try await runCommand {
            LogSetup.bootstrap(level: .warning, environment: ProcessInfo.processInfo.environment)
            StandardError.write("Starting private servers …\n")
            let report = try await BenchStack.with(logger: Logger(label: "bench")) { try await measure($0) }
            try report.finish(json: json)
        }
    }

    private func measure(_ bench: BenchStack) async throws -> LedgerReport {
        var report = LedgerReport(
            "Holds on one hot path of six budgets, \(seconds) s a figure and round, \(rounds) rounds",
            reference: Self.rowLock)
        let tableLock = try TableLockReference(bench)
        let rowLock = try RowLockReference(bench)
        try await tableLock.prepare()
        try await rowLock.prepare()
        for round in 1...rounds {
            for rows in [0, 100_000] {
                let (rate, check) = try await tableLock.measure(round: round, rows: rows, seconds: seconds)
                report.add("table lock, \(NumberText.grouped(rows)) rows in the day (pgbench)", rate, [check])
            }
            let (rate, check) = try await rowLock.measure(round: round, seconds: seconds)
            report.add(Self.rowLock, rate, [check])
            try await measureLedger(bench, round, &report)
            try await measureLatency(bench, round, &report)
            StandardError.write("Round \(round) of \(rounds) done.\n")
        }
        return report
    }

    private func measureLedger(_ bench: BenchStack, _ round: Int, _ report: inout LedgerReport) async throws {
        let rig = LedgerRig(bench: bench)
        try await rig.reset()
        let door = "check_and_reserve_budget, one a transaction (pgbench)"
        let run = try await PgBench(bench).run(
            """
            SELECT * FROM check_and_reserve_budget(0.000003, 'bench', '{"project": "bench", "agent": "bench"}');
            """, seconds: seconds)
        var told = LedgerTally()
        told.granted = run.transactions
        told.held = 3 * run.transactions
        report.add(door, run.rate, try await rig.checks(door, round: round, told: told))

        for size in [1, 8, 64, 512] {
            for processes in [1, 4, 16] {
                try await rig.reset()
                let name = "holds, \(size) a statement, \(processes) \(processes == 1 ? "process" : "processes")"
                let tally = try await rig.run(.hold, processes: processes, size: size, seconds: seconds)
                report.add(name, tally.rate, try await rig.checks(name, round: round, told: tally))
            }
        }
        try await rig.reset()
        let cycle = "hold and settle, 512 a statement, 1 process"
        let cycles = try await rig.run(.cycle, processes: 1, size: 512, seconds: seconds)
        report.add(cycle, cycles.rate, try await rig.checks(cycle, round: round, told: cycles))

        try await rig.reset(cap: LedgerLoad.nearCap(size: 512))
        let slow = "near the cap, about half refused, 512 a statement, 1 process"
        let answers = try await rig.run(.nearCap, processes: 1, size: 512, seconds: seconds)
        report.add(slow, answers.rate, try await rig.checks(slow, round: round, told: answers))
    }

    private func measureLatency(_ bench: BenchStack, _ round: Int, _ report: inout LedgerReport) async throws {
        let rig = LedgerRig(bench: bench)
        try await rig.reset()
        let (times, told) = try await LedgerLatency(bench: bench, seconds: latencySeconds).measure()
        report.median.add(times[times.count / 2])
        report.slowest.add(times[times.count * 99 / 100])
        report.latencyChecks += try await rig.checks("single holds", round: round, told: told)
    }
}
