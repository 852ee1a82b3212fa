internal import ArgumentParser
internal import Operations

/// `moose schedules list`.
struct SchedulesList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List schedules with their next and last ticks.",
        discussion: """
            EXAMPLES
              moose schedules list
              moose schedules list --json | jq -r '.[] | select(.paused_at) | .name'
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let schedules = try await common.withDatabase { try await Schedule.all(in: $0) }
            if common.json {
                print(try JSONOutput.text(list: schedules.map(\.json)), terminator: "")
            } else if schedules.isEmpty {
                print("No schedules. `moose schedules add --help` shows how to make one.")
            } else {
                print(table(schedules).text(for: common.terminal), terminator: "")
            }
        }
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
