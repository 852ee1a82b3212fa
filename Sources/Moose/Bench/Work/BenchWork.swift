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
            settled holds and ledger entries, and the reference is the same worker on servers without them, round by \
            round in turn. Each takes about 2.5 kB of disk below TMPDIR.

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
            let report = try await withServers { bench in
                preload > 0 ? try await besideFinished(bench) : try await besideRowLock(bench)
            }
            try report.finish(json: options.json)
        }
    }

    private func withServers(
        _ body: @escaping @Sendable (BenchStack) async throws -> BenchReport
    ) async throws -> BenchReport {
        try await BenchStack.with(logger: Logger(label: "bench")) { bench in
            try await bench.liftLimits()
            return try await body(bench)
        }
    }

    private func besideRowLock(_ bench: BenchStack) async throws -> BenchReport {
        let reference = try RowLockReference(bench)
        try await reference.prepare()
        var rounds = Rounds(
            options, slots: slots, figure: "moose worker", reference: "row-lock holds alone (pgbench, 8 clients)")
        for round in 1...options.rounds {
            try await rounds.add(round, on: bench)
            let (rate, check) = try await reference.measure(round: round)
            rounds.report.reference.add(rate)
            rounds.report.checks.append(check)
            options.progress("Round \(round) of \(options.rounds) done.")
        }
        return rounds.finished
    }

    /// Round by round in turn with servers that hold nothing but the rounds: a machine's speed drifts.
    private func besideFinished(_ bench: BenchStack) async throws -> BenchReport {
        try await bench.withDatabase { database in
            try await FinishedOrders(count: preload).insert(into: database, progress: options.progress)
        }
        return try await withServers { empty in
            var rounds = Rounds(
                options, slots: slots, figure: "beside \(NumberText.grouped(preload)) finished orders",
                reference: "beside none, in turn")
            for round in 1...options.rounds {
                // Who begins meets what the other has left to do in the background.
                if round.isMultiple(of: 2) { try await rounds.add(round, on: bench) }
                try await rounds.addReference(round, on: empty)
                if !round.isMultiple(of: 2) { try await rounds.add(round, on: bench) }
                options.progress("Round \(round) of \(options.rounds) done.")
            }
            return rounds.finished
        }
    }

    /// The rounds of a worker so far.
    private struct Rounds {
        let options: BenchOptions
        let slots: Int
        var report: BenchReport
        private var processorTime = BenchMeasure("CPU of the worker's process a job, µs", unit: "us", places: 2)
        private var hotShare = BenchMeasure("updates of work orders that were HOT, %", unit: "percent", places: 1)

        init(_ options: BenchOptions, slots: Int, figure: String, reference: String) {
            self.options = options
            self.slots = slots
            report = BenchReport(
                "Work orders from queue to settled: \(NumberText.grouped(options.count)) a round, "
                    + "\(BenchOrders.bodyBytes) bytes, one worker, \(slots) slots",
                figure: BenchFigure(figure), reference: BenchFigure(reference))
        }

        var finished: BenchReport {
            var report = report
            report.measures = [processorTime, hotShare]
            return report
        }

        /// One round of what the report is about.
        mutating func add(_ round: Int, on bench: BenchStack) async throws {
            let (figures, checks) = try await measure(round, on: bench)
            report.figure.add(figures.rate)
            processorTime.add(figures.processorTime)
            hotShare.add(figures.hotShare)
            report.checks += checks
        }

        /// One round of what it is compared with.
        mutating func addReference(_ round: Int, on bench: BenchStack) async throws {
            let (figures, checks) = try await measure(round, on: bench)
            report.reference.add(figures.rate)
            report.checks += checks.map {
                BenchCheck(name: "reference: \($0.name)", round: round, expected: $0.expected, found: $0.found)
            }
        }

        private func measure(
            _ round: Int, on bench: BenchStack
        ) async throws -> (figures: WorkRound.Figures, checks: [BenchCheck]) {
            let orders = BenchOrders(count: options.count)
            let figures = try await WorkRound(
                bench: bench, orders: orders, worker: bench.worker(slots: slots, logger: Logger(label: "bench"))
            ).measure()
            return (figures, try await WorkChecks(bench: bench, ids: orders.ids).run(round: round))
        }
    }
}
