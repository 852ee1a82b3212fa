internal import AMQP
internal import ArgumentParser
internal import FoundationEssentials
internal import Logging
internal import Messaging
internal import Stack
internal import Telemetry

/// `moose bench publish`.
struct BenchPublish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Confirmed publishing to a quorum queue, beside a C loop over librabbitmq.",
        discussion: """
            Starts servers of its own and removes them. Run it where deploy/bench/publish_loop.c is; it needs cc.

            EXAMPLES
              moose bench publish
              moose bench publish --count 200000 --rounds 5 --json
            """)

    private static let source = "deploy/bench/publish_loop.c"
    private static let window = 1000

    @OptionGroup var options: BenchOptions

    func run() async throws {
        try await runCommand {
            LogSetup.bootstrap(level: .warning, environment: ProcessInfo.processInfo.environment)
            guard FileManager.default.fileExists(atPath: Self.source) else {
                throw CommandFailure(
                    "\(Self.source) is missing", next: "Run this in the root of Moose's sources", status: .usage)
            }
            options.progress("Starting private servers …")
            let report = try await BenchStack.with(logger: Logger(label: "bench")) { try await measure($0) }
            try report.finish(json: options.json)
        }
    }

    private func measure(_ bench: BenchStack) async throws -> BenchReport {
        let loop = "\(bench.folder)/publish_loop"
        _ = try await BenchProgram(program: "cc", arguments: ["-O2", "-o", loop, Self.source, "-lrabbitmq"]).run()
        var report = BenchReport(
            "Confirmed publishes: \(NumberText.grouped(options.count)) a round, \(BenchOrders.bodyBytes) bytes,"
                + " quorum queue, window \(Self.window)",
            figure: BenchFigure("moose publisher"), reference: BenchFigure("C loop over librabbitmq"))
        try await bench.withPublisher { publisher in
            for round in 1...options.rounds {
                // Whoever comes second finds a warmer broker: they take turns.
                for isOurs in round.isMultiple(of: 2) ? [false, true] : [true, false] {
                    if isOurs {
                        report.figure.add(try await publish(publisher))
                    } else {
                        report.reference.add(try await publishInC(loop, bench))
                    }
                    report.checks.append(
                        try await check(isOurs ? report.figure.name : report.reference.name, round, publisher))
                    try await empty(publisher, bench)
                }
                options.progress("Round \(round) of \(options.rounds) done.")
            }
        }
        return report
    }

    /// Confirmed messages a second.
    private func publish(_ publisher: AMQPPublisher) async throws -> Double {
        let messages = BenchOrders(count: options.count).messages
        let started = ContinuousClock.now
        try await publisher.publish(messages, deadline: .seconds(300))
        return Double(messages.count) / (ContinuousClock.now - started).seconds
    }

    private func publishInC(_ loop: String, _ bench: BenchStack) async throws -> Double {
        let output = try await BenchProgram(
            program: loop,
            arguments: [
                "\(options.count)", "\(BenchOrders.bodyBytes)", "\(Self.window)", MooseTopology.workExchange,
                BenchStack.lane,
            ], environment: [("MOOSE_AMQP_URL", bench.addresses.amqpURL)]
        ).run()
        let words = output.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let confirmed = Int(words[0]), let seconds = Double(words[1]), seconds > 0 else {
            throw CommandFailure("the C loop answered \(output)")
        }
        guard confirmed == options.count else {
            throw CommandFailure("the C loop confirmed \(confirmed) of \(options.count) messages")
        }
        return Double(confirmed) / seconds
    }

    /// The queue's count is a statistic that comes a moment later than the confirms.
    private func check(_ name: String, _ round: Int, _ publisher: AMQPPublisher) async throws -> BenchCheck {
        let deadline = ContinuousClock.now + .seconds(20)
        var found = 0
        repeat {
            found = try await publisher.queueStatistics(MooseTopology.workQueue(lane: BenchStack.lane))?.messages ?? 0
            if found == options.count { break }
            try await Task.sleep(for: .milliseconds(100))
        } while ContinuousClock.now < deadline
        return BenchCheck(
            name: "in the queue after \(name)", round: round, expected: options.count, found: found)
    }

    private func empty(_ publisher: AMQPPublisher, _ bench: BenchStack) async throws {
        try await publisher.deleteQueue(MooseTopology.workQueue(lane: BenchStack.lane))
        try await publisher.declare(bench.topology)
    }
}

extension Duration {
    /// With fractions.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
