internal import ArgumentParser

/// `moose schedules`.
struct SchedulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedules",
        abstract: "Periodic work: see, add, pause and try schedules.",
        discussion: """
            Workers and Client Managers fire them: each tick once, however many processes run. After an outage one order \
            makes up for all ticks that were missed. docs/schedules.md has the rules of cron and of summer time.

            EXAMPLES
              moose schedules add nightly --cron "30 2 * * *" --time-zone Europe/Berlin --kind report
              moose schedules list
              moose schedules next nightly --count 5
              moose schedules pause nightly --reason "the source is down"
            """,
        subcommands: [
            SchedulesList.self, SchedulesAdd.self, SchedulesRemove.self, SchedulesPause.self, SchedulesResume.self,
            SchedulesRun.self, SchedulesNext.self,
        ])
}
