internal import ArgumentParser
internal import FoundationEssentials
internal import Postgres
internal import WorkOrders

/// `moose schedules next`.
struct SchedulesNext: AsyncParsableCommand {
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

    func run() async throws {
        try await runCommand {
            let given = try cron.map { text throws(CommandFailure) in try CronExpression(argument: text) }
            let found = try await common.withDatabase { database in try await answer(given, from: database) }
            if common.json {
                print(try JSONOutput.text(list: found.ticks.map { JSONValue.time($0) }), terminator: "")
            } else {
                for (tick, local) in zip(found.ticks, found.local) {
                    print("\(Moment.minute(tick))   \(local) \(found.zone)")
                }
                if found.ticks.count < count {
                    StandardError.write("moose: it does not tick more often in the years looked at\n")
                }
            }
        }
    }

    private struct Answer: Sendable {
        let ticks: [Date]
        /// How clocks in the zone show them.
        let local: [String]
        let zone: String
    }

    private func answer(_ given: CronExpression?, from database: PostgresClient) async throws -> Answer {
        let expression: CronExpression
        let zone: String
        if let given {
            expression = given
            let wanted = timeZone ?? "UTC"
            zone = try await database.withTransaction { try await TimeZoneName.known(wanted, in: $0) }
        } else {
            let schedule = try await Schedule.find(name ?? "", in: database)
            expression = try CronExpression(argument: schedule.cron)
            zone = schedule.timeZone
        }
        let ticks = try await ScheduleEdit.ticks(count, of: expression, in: zone, database)
        let local = try await database.run(
            """
            SELECT to_char(t AT TIME ZONE \(zone), 'Dy YYYY-MM-DD HH24:MI')
            FROM unnest(\(ticks)) WITH ORDINALITY AS i (t, n) ORDER BY n
            """
        ).rows.map { row in try row.decode(0, as: String.self) }
        return Answer(ticks: ticks, local: local, zone: zone)
    }
}
