internal import ArgumentParser
internal import Operations
internal import Postgres
internal import WorkOrders

/// `moose schedules next`.
struct SchedulesNext: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "next",
        abstract: "Show the next ticks of a schedule, or of an expression.",
        discussion: """
            EXAMPLES
              moose schedules next nightly --count 5
              moose schedules next --cron "30 2 * * *" --time-zone America/New_York
            """)

    @Argument(help: "The name of the schedule.") var name: String?
    @Option(help: "An expression to try instead.") var cron: String?
    @Option(help: "The time zone of the expression.") var timeZone: String?
    @Option(help: "How many ticks, from 1 to 1000.") var count = 5
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (1...1000).contains(count) else { throw ValidationError("--count goes from 1 to 1000.") }
        guard (name == nil) != (cron == nil) else { throw ValidationError("Give the name of a schedule, or --cron.") }
        guard name == nil || timeZone == nil else { throw ValidationError("--time-zone goes with --cron.") }
    }

    /// The expression that was given; nil: that of the schedule.
    func wanted() throws -> CronExpression? {
        try cron.map { text throws(CommandFailure) in try CronExpression(argument: text) }
    }

    func answer(
        to wanted: CronExpression?, from database: PostgresClient, on terminal: Terminal
    ) async throws -> CommandAnswer {
        let found =
            if let wanted {
                try await NextTicks.of(wanted, in: timeZone ?? "UTC", count: count, from: database)
            } else {
                try await NextTicks.of(schedule: name ?? "", count: count, from: database)
            }
        return CommandAnswer(
            text: found.ticks.map { "\(Moment.minute($0.at))   \($0.local) \(found.zone)\n" }.joined(),
            json: .array(found.ticks.map { JSONValue.time($0.at) }),
            note: found.ticks.count < count ? "moose: it does not tick more often in the years looked at\n" : "")
    }
}
