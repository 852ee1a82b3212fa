internal import AMQP
internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Publisher

/// `moose dead-letters move`.
struct DeadLettersMove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: "Move messages of any queue on the broker to another queue or exchange.",
        discussion: """
            Each message is published to its target, confirmed, and only then removed. Interrupted, up to --window \
            messages are in both places: at least once, never lost; Moose drops such copies of work orders by their id, \
            other consumers must do so themselves. Consumers of the queue get their share meanwhile. The broker's death \
            headers and `user_id` stay behind; body, other headers and properties are kept. Moves what is ready now, or \
            --count.

            EXAMPLES
              moose dead-letters move partner.dead --to partner.inbox --count 10
              moose dead-letters move moose.work.old --to moose.work.default --yes
              moose dead-letters move partner.dead --exchange partner --routing-key retry
            """)

    @Argument(help: "The queue they are in, also one Moose doesn't own.")
    var queue: String

    @Option(name: .customLong("to"), help: "The queue they go to.")
    var target: String?

    @Option(help: "The exchange they go to; each keeps its routing key.")
    var exchange: String?

    @Option(help: "With --exchange: another routing key.")
    var routingKey: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("How many; default all that are ready now.", valueName: "n"))
    var count: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("How many may be under way, from 1 to 1000.", valueName: "n"))
    var window = 200

    @Flag(help: "Don't ask.")
    var yes = false

    @Option(help: "Why; kept in the audit log.")
    var why: String?

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (target == nil) != (exchange == nil) else { throw ValidationError("Give either --to or --exchange.") }
        guard routingKey == nil || exchange != nil else { throw ValidationError("--routing-key needs --exchange.") }
        guard target != queue else { throw ValidationError("A queue is not moved to itself.") }
        guard (1...1000).contains(window) else { throw ValidationError("--window goes from 1 to 1000.") }
        guard count.map({ $0 > 0 }) ?? true else { throw ValidationError("--count is at least 1.") }
    }

    func run() async throws {
        try await runCommand {
            let settings = try common.settings()
            let who = try Who.name()
            let why = try self.why.map { text throws(CommandFailure) in try ReasonArgument.parse(text) }
            let place = target.map { "the queue \($0)" } ?? "the exchange \(exchange ?? "")"
            try await common.withDatabase { database in
                try await QueueAccess.open(settings) { consumer, publisher in
                    guard let ready = try await publisher.queueStatistics(queue)?.messages else {
                        throw QueueAccess.missing(queue)
                    }
                    if let target, try await !publisher.queueExists(target) {
                        throw QueueAccess.missing(target)
                    }
                    let wanted = min(count ?? ready, ready)
                    guard wanted > 0 else { return print("The queue \(queue) has no message that is ready.") }
                    try Confirmation.ask(
                        "Move \(NumberText.counted(wanted, "message")) from \(queue) to \(place)?", isGiven: yes)
                    let goal = JSONValue.object([
                        "to": .string(place), "routing_key": .text(routingKey), "messages": .count(wanted),
                    ])
                    try await DeadLetterAudit.record(
                        "queue move", subject: "queue \(queue)", after: goal, who: who, why: why, in: database)
                    let done = try await QueueMove(consumer: consumer, publisher: publisher).run(
                        queue,
                        to: .init(exchange: exchange ?? "", routingKey: target ?? routingKey), count: wanted,
                        window: window)
                    print(
                        common.json
                            ? try JSONOutput.text([
                                "moved": JSONValue.count(done.moved), "wanted": .count(wanted),
                                "death_headers_removed": .count(done.stripped),
                            ])
                            : "\(NumberText.grouped(done.moved)) of \(NumberText.grouped(wanted)) messages moved to "
                                + "\(place); \(NumberText.grouped(done.stripped)) had died before.\n", terminator: "")
                }
            }
        }
    }
}
