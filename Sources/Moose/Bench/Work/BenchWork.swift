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

            The CPU of a job is that of this whole process, user and system, from the worker's start to the last end: \
            claims and finishes, the threads that talk to the servers, what a worker does from time to time, its \
            metrics and the no-op handlers. Of the bench itself a look at a counter every 2 ms is in it and, after the \
            last handler, the query that finds all orders completed. The servers are not, nor the publishing before.

            HOT is the part of the updates of work orders that touched no index, as PostgreSQL counts them.

            With --preload the tables hold so many finished orders before the first round, with their attempts, \
            settled holds and ledger entries. Each takes about 2.5 kB of disk below TMPDIR.

            EXAMPLES
              moose bench work
              moose bench work --count 200000 --rounds 5 --json
              moose bench work --preload 10000000
            """)

    @OptionGroup var options: BenchOptions
    @Option(help: "How many jobs run at once.") var slots = 1000
    @Option(help: "Finished orders that the tables hold before the first round.") var preload = 0

    func validate() throws {
        guard (1...10_000).contains(slots) else { throw ValidationError("--slots goes from 1 to 10000.") }
        guard (0...FinishedOrders.most).contains(preload) else {
            throw ValidationError("--preload goes from 0 to \(FinishedOrders.most).")
        }
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
        try await bench.liftLimits()
        let reference = try RowLockReference(bench)
        try await reference.prepare()
        if preload > 0 {
            try await bench.withDatabase { database in
                try await FinishedOrders(count: preload).insert(into: database, progress: options.progress)
            }
        }
        var report = BenchReport(
            "Work orders from queue to settled: \(NumberText.grouped(options.count)) a round, "
                + "\(BenchOrders.bodyBytes) bytes, one worker, \(slots) slots"
                + (preload > 0 ? ", beside \(NumberText.grouped(preload)) finished orders" : ""),
            figure: BenchFigure("moose worker"), reference: BenchFigure("row-lock holds alone (pgbench, 8 clients)"))
        var processorTime = BenchMeasure("CPU of the worker's process a job, µs", unit: "us", places: 2)
        var hotShare = BenchMeasure("updates of work orders that were HOT, %", unit: "percent", places: 1)
        for round in 1...options.rounds {
            let orders = BenchOrders(count: options.count)
            let figures = try await WorkRound(
                bench: bench, orders: orders, worker: bench.worker(slots: slots, logger: Logger(label: "bench"))
            ).measure()
            report.figure.add(figures.rate)
            processorTime.add(figures.processorTime)
            hotShare.add(figures.hotShare)
            report.checks += try await WorkChecks(bench: bench, ids: orders.ids).run(round: round)
            let (rate, check) = try await reference.measure(round: round)
            report.reference.add(rate)
            report.checks.append(check)
            options.progress("Round \(round) of \(options.rounds) done.")
        }
        report.measures = [processorTime, hotShare]
        return report
    }
}
