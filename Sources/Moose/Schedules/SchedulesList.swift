internal import ArgumentParser
internal import Operations
internal import Postgres

/// `moose schedules list`.
struct SchedulesList: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List schedules with their next and last ticks.",
        discussion: """
            EXAMPLES
              moose schedules list
              moose schedules list --json | jq -r '.[] | select(.paused_at) | .name'
            """)

    @OptionGroup var common: CommonOptions

    func wanted() throws {}

    func answer(to wanted: Void, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let schedules = try await Schedule.all(in: database)
        return common.answer(
            text: schedules.isEmpty
                ? "No schedules. `moose schedules add --help` shows how to make one.\n"
                : table(schedules).text(for: terminal),
            json: .array(schedules.map(\.json)))
    }

    private func table(_ schedules: [Schedule]) -> Table {
        var table = Table([
            .init("NAME"), .init("CRON"), .init("ZONE"), .init("KIND"), .init("NEXT"), .init("LAST"),
            .init("MISSED", .right), .init("STATE", isFlexible: true),
        ])
        for schedule in schedules {
            let pause = schedule.pausedBy.map { who in
                "paused by \(who)" + (schedule.pausedBecause.map { ": \($0)" } ?? "")
            }
            table.add([
                Table.Cell(schedule.name), Table.Cell(schedule.cron), Table.Cell(schedule.timeZone),
                Table.Cell(schedule.kind), Table.Cell(pause == nil ? Moment.minute(schedule.nextRunAt) : "-"),
                Table.Cell(Moment.ago(schedule.lastRunAt)), Table.Cell(NumberText.grouped(Int(schedule.missed))),
                Table.Cell(pause ?? "ticks"),
            ])
        }
        return table
    }
}
