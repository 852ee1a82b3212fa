internal import ArgumentParser
internal import Operations
internal import Postgres
internal import Settings

/// `moose lanes set`.
struct LanesSet: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set a lane's weight and limits, over all workers.",
        discussion: """
            A weight is the lane's share of a batch next to the others. A limit counts the orders that start while it \
            is in force; what it holds back waits without burning an attempt, the oldest first. `none` takes a setting \
            away; what isn't given stays.

            EXAMPLES
              moose lanes set llm --concurrency 20 --rate 100/minute
              moose lanes set bulk --weight 1 --reason "let the others go first"
              moose lanes set llm --rate none
            """)

    /// A whole number, or `none`.
    struct Setting {
        /// 0 takes it away.
        let number: Int

        init(parsing text: String, upTo most: Int) throws(ValidationError) {
            guard text != "none" else {
                number = 0
                return
            }
            guard let number = Int(text), (1...most).contains(number) else {
                throw ValidationError("it should be a whole number from 1 to \(most), or none")
            }
            self.number = number
        }
    }

    /// A rate, or `none`.
    struct RateSetting {
        /// A count of 0 takes it away.
        let rate: StartRate

        init(parsing text: String) throws(ValidationError) {
            guard text != "none" else {
                rate = StartRate(count: 0, seconds: 0)
                return
            }
            guard let rate = StartRate(text) else {
                throw ValidationError("it should be \(StartRate.expected); or none")
            }
            self.rate = rate
        }
    }

    /// What is asked for.
    struct Wanted {
        let change: LaneChange
        let weight: Int?
        let concurrency: Int?
        let rate: StartRate?
    }

    @OptionGroup var lane: LaneNameArgument
    @Option(
        parsing: .unconditional, help: "Its share, 1 to 100, or none: that of moose.yaml.",
        transform: { try Setting(parsing: $0, upTo: 100) })
    var weight: Setting?
    @Option(
        parsing: .unconditional, help: "How many of its orders run at once, or none.",
        transform: { try Setting(parsing: $0, upTo: 1_000_000) })
    var concurrency: Setting?
    @Option(
        parsing: .unconditional, help: "How many start in a time, such as 100/minute (also /second, /hour), or none.",
        transform: { try RateSetting(parsing: $0) })
    var rate: RateSetting?
    @Option(help: ArgumentHelp("Why, for the audit log.", valueName: "text")) var reason: String?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard weight != nil || concurrency != nil || rate != nil else {
            throw ValidationError("Nothing to set: give --weight, --concurrency or --rate.")
        }
    }

    func wanted() throws -> Wanted {
        Wanted(
            change: LaneChange(
                lane: try lane.name(), who: try Who.name(),
                reason: try reason.map { text throws(CommandFailure) in try ReasonArgument.parse(text) }),
            weight: weight?.number, concurrency: concurrency?.number, rate: rate?.rate)
    }

    func answer(to wanted: Wanted, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        try await wanted.change.set(
            weight: wanted.weight, concurrency: wanted.concurrency, rate: wanted.rate, in: database)
        let line = try await LaneLine.all(in: database).first { $0.name == wanted.change.lane }
        var text =
            "The lane \(wanted.change.lane): weight \(line?.settings.weight.map(String.init) ?? "of moose.yaml"), "
        text += line?.settings.concurrency.map { "at most \($0) at once" } ?? "no limit at once"
        text += ", " + (line?.settings.rate.map { "at most \($0)" } ?? "no rate") + ".\n"
        if line?.workers == 0 { text += "No live worker serves it: check the spelling of its name.\n" }
        return CommandAnswer(text: text, json: ["lane": line?.json ?? .null, "changed": .bool(true)])
    }
}
