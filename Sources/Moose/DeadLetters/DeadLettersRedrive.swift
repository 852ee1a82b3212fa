internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres
internal import Publisher
internal import Settings
internal import Store

/// `moose dead-letters redrive`.
struct DeadLettersRedrive: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redrive",
        abstract: "Send dead letters on their way again.",
        discussion: """
            A message goes to where it was going, with its own id and without the headers the broker put on; it is marked \
            after the broker's confirm. A failed order goes back to `pending` with a fresh series of attempts. May be \
            killed and run again, also twice at once: nothing is lost, and what was published twice runs once.

            A changed body keeps the message's id, unless that id is an order's already (a failed order, `id_reused`) or \
            was none: then the letter's id is the new one, and a failed order stays failed. docs/dead-letters.md tells more.

            EXAMPLES
              moose dead-letters redrive 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e
              moose dead-letters redrive --reason exhausted --text "connection refused" --why "the mirror is back"
              moose dead-letters redrive --reason unroutable --to-lane default --rate 100
              moose dead-letters redrive --all --dry-run
              moose dead-letters redrive 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e --set payload.path=src
            """)

    @Argument(
        help: ArgumentHelp("The ids of dead letters; without any, all that the conditions name.", valueName: "id"))
    var ids: [String] = []

    @OptionGroup var which: DeadLetterOptions

    @Flag(help: "Every dead letter, where no other condition is given.")
    var all = false

    @OptionGroup var changes: RedriveOptions

    @Flag(help: "Only count them, by reason.")
    var dryRun = false

    @Option(parsing: .unconditional, help: ArgumentHelp("At most so many a second.", valueName: "n"))
    var rate: Int?

    @Option(help: "Why; kept with each letter.")
    var why: String?

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard rate.map({ (1...100_000).contains($0) }) ?? true else {
            throw ValidationError("--rate goes from 1 to 100000.")
        }
    }

    func run() async throws {
        try await runCommand {
            let filter = try DeadLetterSelection.filter(which, ids, all: all)
            _ = try changes.redrive()
            guard !changes.edits || filter.ids.count == 1 else {
                throw CommandFailure("a changed body is for one letter", next: "Give its id", status: .usage)
            }
            let who = try Who.name()
            let why = try self.why.map { text throws(CommandFailure) in try ReasonArgument.parse(text) }
            let settings = try common.settings()
            try await common.withDatabase { database in
                if dryRun { return try await count(filter, in: database) }
                var redrive = try changes.redrive()
                if changes.edits, let found = try await DeadLetterSummary.find(filter.ids[0], in: database) {
                    redrive = try await changes.redrive(
                        found.letter, found.content, limit: settings.defaults.maxMessageBytes,
                        environment: ProcessInfo.processInfo.environment)
                }
                let letters = try await filter.letters(in: database)
                guard !letters.isEmpty else {
                    guard filter.ids.isEmpty else {
                        throw CommandFailure(
                            "none of these is a dead letter that waits",
                            next: "`moose dead-letters show ID` tells its state",
                            status: .refused)
                    }
                    return try answer(RedriveCounts())
                }
                try await DeadLetterAudit.record(
                    "dead letters redrive", subject: "dead letters",
                    after: [
                        "letters": .count(letters.count), "filter": which.audited, "to_lane": .text(changes.toLane),
                        "to_queue": .text(changes.toQueue), "new_id": .bool(redrive.hasNewID),
                        "edited": .bool(changes.edits),
                    ], who: who, why: why, in: database)
                let chosen = redrive
                try await TopologyAccess.withPublisher(settings) { publisher in
                    let terminal = Terminal.standardError(environment: ProcessInfo.processInfo.environment)
                    var bar = ProgressBar(title: "redriven", total: letters.count, terminal: terminal)
                    let started = ContinuousClock.now
                    let redriver = Redriver(
                        store: Store(database), publisher: publisher, who: who, why: why,
                        limit: settings.defaults.maxMessageBytes)
                    let counts = try await redriver.run(letters, chosen, rate: rate) { done in
                        if let text = bar.update(done: done, elapsed: .now - started) { StandardError.write(text) }
                    }
                    if letters.count > 1 {
                        StandardError.write(
                            bar.finish(done: counts.messages + counts.orders, elapsed: .now - started))
                    }
                    try answer(counts)
                }
            }
        }
    }

    private func count(_ filter: DeadLetterFilter, in database: PostgresClient) async throws {
        let counts = try await filter.counts(in: database)
        let total = counts.map(\.count).reduce(0, +)
        if common.json {
            let reasons = JSONValue.object(
                Dictionary(counts.map { ($0.reason, JSONValue.count($0.count)) }, uniquingKeysWith: { $1 }))
            let answer: [String: JSONValue] = ["dry_run": .bool(true), "letters": .count(total), "reasons": reasons]
            print(try JSONOutput.text(answer), terminator: "")
        } else {
            for line in counts { print("\(NumberText.grouped(line.count)) \(line.reason)") }
            print("\(NumberText.grouped(total)) dead letters would be redriven.")
        }
    }

    private func answer(_ counts: RedriveCounts) throws {
        if common.json {
            let left = counts.left.map { JSONValue.object(["id": .id($0.letter), "why": .string($0.why)]) }
            let answer: [String: JSONValue] = [
                "messages": .count(counts.messages), "orders": .count(counts.orders),
                "came_back": .count(counts.cameBack), "left": .array(left),
            ]
            print(try JSONOutput.text(answer), terminator: "")
        } else {
            print(
                "\(NumberText.grouped(counts.messages)) messages published, \(NumberText.grouped(counts.orders)) orders "
                    + "pending again.")
            if counts.cameBack > 0 {
                print("\(NumberText.grouped(counts.cameBack)) of the messages died again at once.")
            }
        }
        guard counts.left.isEmpty else {
            let reasons = Dictionary(grouping: counts.left, by: \.why).map { why, letters in
                let ids = letters.prefix(3).map { $0.letter.uuidString.lowercased() }.joined(separator: ", ")
                let more = letters.count > 3 ? ", …" : ""
                return "  \(letters.count): \(PrintableText.oneLine(why)) (\(ids)\(more))\n"
            }.sorted()
            throw CommandFailure("\(counts.left.count) dead letters were not redriven:\n" + reasons.joined())
        }
    }
}
