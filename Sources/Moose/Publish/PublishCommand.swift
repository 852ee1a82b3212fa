internal import AMQP
internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import Postgres
internal import Publisher
internal import Settings
internal import WorkOrders

/// `moose publish`.
struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publish work orders; returns when the broker has confirmed them.",
        discussion: """
            One order from flags, or many from NDJSON (a body a line; see docs/wire-format.md). A line that is no valid
            order, or whose price nobody knows, is reported and left out. Prints the ids.

            With --spool, orders that a broker that is away can't take are kept on this machine's disk. The next publish
            with --spool sends them first; so do `moose spool flush` and any worker here.

            EXAMPLES
              moose publish --kind lint --title "Lint the parser" --payload '{"path":"parser.py"}' --wait
              moose publish --file orders.ndjson
              generate-orders | moose publish --file -
              moose publish --spool --file orders.ndjson
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var order: OrderFlags
    @Option(help: "The lane, where a body names none.") var lane = "default"
    @Option(help: "NDJSON, one order a line; - is standard input.") var file: String?
    @Option(
        defaultAsFlag: "",
        help: ArgumentHelp(
            "Keep orders in the folder (default: spool.folder of moose.yaml) while the broker is away.",
            valueName: "folder"))
    var spool: String?
    @Flag(help: "Wait until every order has ended, or can't go on; exits with 1 where one did not complete.") var wait =
        false

    func run() async throws {
        try await runCommand {
            let settings = try common.settings()
            let lines = OrderLines(
                try input(), lane: lane, limit: settings.defaults.maxMessageBytes,
                kinds: Set(settings.handlers.keys))
            for (line, problem) in lines.problems {
                StandardError.write("moose: line \(line): \(problem)\n")
            }
            if lines.messages.isEmpty, !lines.problems.isEmpty {
                throw CommandFailure("nothing was published", status: .usage)
            }
            let isSpooled: Bool
            if let spool {
                isSpooled = try await SpoolingSend(settings, folder: spool.isEmpty ? nil : spool).send(lines.messages)
            } else {
                try await send(lines.messages, settings)
                isSpooled = false
            }
            if common.json {
                print(try JSONOutput.text(list: lines.ids.map { $0.uuidString.lowercased() }))
            } else {
                for id in lines.ids { print(id.uuidString.lowercased()) }
            }
            if wait, isSpooled {
                throw CommandFailure(
                    "orders that wait on disk can't be waited for", next: "Run `moose spool flush` later",
                    status: .unreachable)
            }
            if wait { try await waitForEnd(lines.ids) }
            if !lines.problems.isEmpty {
                throw CommandFailure("\(lines.problems.count) lines were not published; \(lines.ids.count) were")
            }
        }
    }

    private func input() throws -> [UInt8] {
        if let body = try order.body() {
            guard file == nil else {
                throw CommandFailure("--file and --kind/--title go not together", status: .usage)
            }
            return body
        }
        guard let file else {
            throw CommandFailure("nothing to publish", next: "give --kind and --title, or --file", status: .usage)
        }
        do {
            if file == "-" { return try StandardInput.readAll() }
            return Array(try Data(contentsOf: URL(filePath: file)))
        } catch {
            throw CommandFailure(
                "\(file) can't be read", why: "it is missing, or not readable for this user", status: .usage)
        }
    }

    private func send(_ messages: [OutgoingMessage], _ settings: Settings) async throws {
        let terminal = Terminal.standardError(environment: ProcessInfo.processInfo.environment)
        var bar = ProgressBar(title: "published", total: messages.count, terminal: terminal)
        let started = ContinuousClock.now
        try await TopologyAccess.withPublisher(settings) { connection in
            let publisher = WorkOrderPublisher(connection)
            for start in stride(from: 0, to: messages.count, by: 2000) {
                let end = min(start + 2000, messages.count)
                try await publisher.publish(Array(messages[start..<end]))
                if messages.count > 1, let text = bar.update(done: end, elapsed: .now - started) {
                    StandardError.write(text)
                }
            }
        }
        if messages.count > 1 {
            StandardError.write(bar.finish(done: messages.count, elapsed: .now - started))
        }
    }

    private func waitForEnd(_ ids: [UUID]) async throws {
        let terminal = Terminal.standardError(environment: ProcessInfo.processInfo.environment)
        var bar = ProgressBar(title: "ended", total: ids.count, terminal: terminal)
        let started = ContinuousClock.now
        try await common.withDatabase { client in
            while true {
                let now = try await OrdersEnded.count(ids, client)
                if now.ended == ids.count {
                    StandardError.write(bar.finish(done: now.ended, elapsed: .now - started))
                    guard now.unsuccessful == 0 else {
                        throw CommandFailure(
                            "\(now.unsuccessful) of \(ids.count) did not complete",
                            next: "`moose work-orders show ID` tells why")
                    }
                    return
                }
                if let text = bar.update(done: now.ended, elapsed: .now - started) { StandardError.write(text) }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}
