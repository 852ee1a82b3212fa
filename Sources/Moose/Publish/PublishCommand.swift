internal import AMQP
internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
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
            One order from flags, or many from NDJSON (a body a line; see docs/wire-format.md), where flags say what a line \
            leaves out. A field that Moose doesn't know is kept for the handler; one that looks like a slip of the pen is \
            named. A line that is no valid order, whose price nobody knows, or whose lane has no queue, is reported by its number and left out: the \
            status is 1 then, or 2 where nothing was left. Prints the ids.

            With --wait it also exits with 1 where an order did not complete, can't go on because one it depends on \
            failed, or was refused because its id was published before with another body. An order whose pull request CI \
            has not judged has not ended. State, cost, error and result of the first ten are shown, beside the ids on \
            standard output; with --json those of all, as one list.

            With --spool, orders that a broker that is away can't take are kept on this machine's disk. The next publish \
            with --spool sends them first; so do `moose spool flush` and any worker here.

            EXAMPLES
              moose publish --kind lint --title "Lint the parser" --payload '{"path":"parser.py"}' --wait
              moose publish --file orders.ndjson
              moose publish --file tickets.ndjson --kind triage --title "A ticket" --max-attempts 2
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
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Wait so long at most, in seconds; exits with 1 where an order has not ended.", valueName: "seconds"))
    var waitTimeout: Int?
    @Flag(help: "Wait until every order has ended, or can't go on; exits with 1 where one did not complete.") var wait =
        false

    func validate() throws {
        guard let waitTimeout else { return }
        guard wait else { throw ValidationError("--wait-timeout goes with --wait.") }
        guard waitTimeout >= 1 else { throw ValidationError("--wait-timeout is at least 1 second.") }
    }

    func run() async throws {
        try await runCommand {
            let settings = try common.settings()
            var lines = try read(settings)
            Self.tell(lines.problems)
            for warning in lines.unknown.warnings { StandardError.write("moose: \(warning)\n") }
            try requireOrders(lines)
            let isSpooled = try await send(lines.messages, settings) { lanes in
                let problems = lines.leaveOut(lanesWithoutQueue: lanes)
                if file == nil, let lane = lanes.first { throw UnknownLane(lane: lane) }
                Self.tell(problems)
                try requireOrders(lines)
                return lines.messages
            }
            // What it waits for is told with its end.
            if !common.json {
                for id in lines.ids { print(id.uuidString.lowercased()) }
            } else if !wait {
                print(try JSONOutput.text(list: lines.ids.map { $0.uuidString.lowercased() }))
            }
            if wait, isSpooled {
                if common.json { try Self.printEnds(of: lines.ids, known: [], reused: []) }
                throw CommandFailure(
                    "orders that wait on disk can't be waited for", next: "Run `moose spool flush` later",
                    status: .unreachable)
            }
            let missing = Self.missing(lines)
            if wait {
                var isTold = false
                do {
                    let wait = PublishWait(lines.orders)
                    try await common.withDatabase { database in
                        let failure: CommandFailure?
                        do {
                            try await wait.run(
                                in: database, within: waitTimeout.map { .seconds($0) }, on: Self.progress,
                                write: StandardError.write)
                            failure = nil
                        } catch let missed as CommandFailure {
                            // They have ended all the same, and how is to be seen.
                            failure = missed
                        }
                        try await tellEnds(of: lines.ids, wait, in: database)
                        isTold = true
                        if let failure { throw failure }
                    }
                } catch {
                    // Whatever became of the wait, they are published, and their ids are to be known.
                    if common.json, !isTold { try Self.printEnds(of: lines.ids, known: [], reused: []) }
                    // The command ends with what the wait found, and this is to be known too.
                    if let missing { StandardError.write("moose: \(missing)\n") }
                    throw error
                }
            }
            if let missing { throw CommandFailure(missing) }
        }
    }

    /// As JSON all of them; for a person the first few, beside the ids that scripts read.
    private func tellEnds(of ids: [UUID], _ wait: PublishWait, in database: PostgresClient) async throws {
        let reused = Set(try await wait.look(database).reused)
        if common.json {
            try Self.printEnds(of: ids, known: try await OrderEnd.of(ids, in: database), reused: reused)
            return
        }
        let shown = ids.prefix(10)
        for end in try await OrderEnd.of(Array(shown), in: database) where !reused.contains(end.id) {
            StandardError.write(try PublishWait.text(of: end, on: Self.progress))
        }
        if ids.count > shown.count {
            StandardError.write("… and \(NumberText.grouped(ids.count - shown.count)) more\n")
        }
    }

    /// A row for each that was published, in their order: the state is null where nobody has claimed it yet, and
    /// `id_reused` where the id is another order's.
    private static func printEnds(of ids: [UUID], known: [OrderEnd], reused: Set<UUID>) throws {
        let ends = Dictionary(known.map { ($0.id, $0) }) { first, _ in first }
        print(
            try JSONOutput.text(
                list: ids.map { id in
                    if reused.contains(id) { return OrderEnd.json(id, state: "id_reused") }
                    return ends[id]?.json ?? OrderEnd.json(id, state: nil)
                }))
    }

    /// How a person watches it.
    private static var progress: Terminal { .standardError(environment: ProcessInfo.processInfo.environment) }

    private static func tell(_ problems: [(line: Int, problem: InvalidMessage)]) {
        for (line, problem) in problems { StandardError.write("moose: line \(line): \(problem)\n") }
    }

    /// What was left out, as a sentence; nil where nothing was.
    static func missing(_ lines: OrderLines) -> String? {
        guard !lines.problems.isEmpty else { return nil }
        let left = lines.problems.count
        return "\(NumberText.counted(left, "line")) \(left == 1 ? "was" : "were") not published; "
            + "\(NumberText.counted(lines.orders.count, "order")) \(lines.orders.count == 1 ? "was" : "were")"
    }

    private func requireOrders(_ lines: OrderLines) throws(CommandFailure) {
        guard lines.orders.isEmpty, !lines.problems.isEmpty else { return }
        throw CommandFailure("nothing was published", status: .usage)
    }

    private func read(_ settings: Settings) throws -> OrderLines {
        let (limit, kinds) = (settings.defaults.maxMessageBytes, Set(settings.handlers.keys))
        let common = OrderLines.Common(replyTo: order.replyTo, correlationID: order.correlationID)
        if let file {
            guard order.id == nil else {
                throw CommandFailure("--id and --file go not together", why: "each order has its own", status: .usage)
            }
            var common = common
            common.defaults = try order.fields()
            return OrderLines(try Self.bytes(of: file), lane: lane, limit: limit, kinds: kinds, common: common)
        }
        if let body = try order.body() {
            let lines = OrderLines(one: body, lane: lane, limit: limit, kinds: kinds, common: common)
            // It has no line that could be named.
            if let problem = lines.problems.first?.problem {
                throw CommandFailure("the order was not published", why: "\(problem)", status: .usage)
            }
            return lines
        }
        throw CommandFailure("nothing to publish", next: "give --kind and --title, or --file", status: .usage)
    }

    private static func bytes(of file: String) throws -> [UInt8] {
        do {
            if file == "-" { return try StandardInput.readAll() }
            return Array(try Data(contentsOf: URL(filePath: file)))
        } catch {
            throw CommandFailure(
                "\(file) can't be read", why: "it is missing, or not readable for this user", status: .usage)
        }
    }

    /// - Parameter leaveOut: gets the lanes that have no queue; returns what is left.
    /// - Returns: whether any of them wait on disk.
    private func send(
        _ messages: [OutgoingMessage], _ settings: Settings,
        leaveOut: (Set<String>) throws -> [OutgoingMessage]
    ) async throws -> Bool {
        if let spool {
            return try await SpoolingSend(settings, folder: spool.isEmpty ? nil : spool)
                .send(messages, leaveOut: leaveOut)
        }
        try await TopologyAccess.withPublisher(settings) { connection in
            let publisher = WorkOrderPublisher(connection)
            try await send(try leaveOut(try await publisher.lanesWithoutQueue(messages)), to: publisher)
        }
        return false
    }

    private func send(_ messages: [OutgoingMessage], to publisher: WorkOrderPublisher) async throws {
        var bar = ProgressBar(title: "published", total: messages.count, terminal: Self.progress)
        let started = ContinuousClock.now
        for start in stride(from: 0, to: messages.count, by: 2000) {
            let end = min(start + 2000, messages.count)
            try await publisher.publish(Array(messages[start..<end]))
            if messages.count > 1, let text = bar.update(done: end, elapsed: .now - started) {
                StandardError.write(text)
            }
        }
        if messages.count > 1 {
            StandardError.write(bar.finish(done: messages.count, elapsed: .now - started))
        }
    }
}
