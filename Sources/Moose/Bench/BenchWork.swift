internal import ArgumentParser
internal import FoundationEssentials
internal import Logging
internal import Postgres
internal import Telemetry

/// `moose bench work`.
struct BenchWork: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Consume, claim, hold, run a no-op, settle, finish: beside a row-lock budget alone.",
        discussion: """
            Starts servers of its own and removes them; one worker in this process. The reference only holds: it is \
            what a budget row under a lock allows at best, before any queue or state.

            EXAMPLES
              moose bench work
              moose bench work --count 200000 --rounds 5 --json
            """)

    @OptionGroup var options: BenchOptions
    @Option(help: "How many jobs run at once.") var slots = 1000

    func validate() throws {
        guard (1...10_000).contains(slots) else { throw ValidationError("--slots goes from 1 to 10000.") }
    }

    func run() async throws {
        try await runCommand {
            LogSetup.bootstrap(level: .warning, environment: ProcessInfo.processInfo.environment)
            // As in a real worker, whose metrics are not free either.
            MetricsRegistry().bootstrap()
            options.progress("Starting private servers …")
            let report = try await BenchStack.with(logger: Logger(label: "bench")) { try await measure($0) }
            try report.finish(json: options.json)
        }
    }

    private func measure(_ bench: BenchStack) async throws -> BenchReport {
        try await bench.withDatabase { database in
            // What is measured is the ledger, not a refusal.
            try await database.runSimple(
                "UPDATE moose.budget_policies SET soft_u = NULL, hard_u = NULL, kill_u = 1000000000000000")
        }
        let reference = try RowLockReference(bench)
        try await reference.prepare()
        var report = BenchReport(
            "Work orders from queue to settled: \(NumberText.grouped(options.count)) a round, "
                + "\(BenchOrders.bodyBytes) bytes, one worker, \(slots) slots",
            figure: BenchFigure("moose worker"), reference: BenchFigure("row-lock holds alone (pgbench, 8 clients)"))
        for round in 1...options.rounds {
            let work = WorkRound(
                bench: bench, orders: BenchOrders(count: options.count), slots: slots, logger: Logger(label: "bench"))
            report.figure.add(try await work.measure())
            report.checks += try await work.checks(round: round)
            let (rate, check) = try await reference.measure(round: round)
            report.reference.add(rate)
            report.checks.append(check)
            options.progress("Round \(round) of \(options.rounds) done.")
        }
        return report
    }
}
