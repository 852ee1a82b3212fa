internal import ArgumentParser
internal import FoundationEssentials
internal import Logging
internal import Telemetry

/// `moose bench latency`.
struct BenchLatency: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "How long from publishing an order to the start of its handler, idle and under load.",
        discussion: """
            Starts servers of its own and removes them; publisher and worker are in this process, with one clock. The \
            time begins just before an order is handed to the publisher and ends in the first line of its handler.

            Idle: one order at a time, after the one before was handled and a pause of 10 to 30 ms. Under load: orders \
            are due at fixed moments, --rate a second, whatever the worker does, and their time begins when they are \
            due, so that a stall counts for every order it delays.

            EXAMPLES
              moose bench latency
              moose bench latency --rate 5000 --seconds 30 --json
            """)

    private static let slots = 1000

    @Option(help: "Orders a second under load.") var rate = 1000
    @Option(help: "How long each situation is measured in a round, in seconds.") var seconds = 10
    @Option(help: "Rounds; the median counts.") var rounds = 3
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (1...20_000).contains(rate) else { throw ValidationError("--rate goes from 1 to 20000.") }
        guard (1...600).contains(seconds) else { throw ValidationError("--seconds goes from 1 to 600.") }
        guard (1...100).contains(rounds) else { throw ValidationError("--rounds goes from 1 to 100.") }
        guard rate * seconds <= 1_000_000 else {
            throw ValidationError("--rate times --seconds may be 1000000 at most.")
        }
    }

    func run() async throws {
        try await runCommand {
            LogSetup.bootstrap(level: .warning, environment: ProcessInfo.processInfo.environment)
            // As in a real worker, whose metrics are not free either.
            MetricsRegistry().bootstrap()
            StandardError.write("Starting private servers …\n")
            let report = try await BenchStack.with(logger: Logger(label: "bench")) { try await measure($0) }
            try report.finish(json: json)
        }
    }

    private func measure(_ bench: BenchStack) async throws -> LatencyReport {
        try await bench.liftLimits()
        var report = LatencyReport(
            "From publishing to the start of the handler: \(seconds) s a situation and round, \(rounds) rounds, "
                + "\(BenchOrders.bodyBytes) bytes, one worker, \(Self.slots) slots")
        for round in 1...rounds {
            let times = try await LatencyRound(
                bench: bench, worker: bench.worker(slots: Self.slots, logger: Logger(label: "bench")), rate: rate,
                seconds: seconds
            ).measure()
            report.add("idle", times.idle)
            report.add("\(NumberText.grouped(rate)) a second", times.loaded)
            report.checks += try await WorkChecks(bench: bench, ids: times.ids).run(round: round)
            StandardError.write("Round \(round) of \(rounds) done.\n")
        }
        return report
    }
}
