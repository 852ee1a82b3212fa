internal import ArgumentParser
internal import Operations
internal import Postgres

/// `moose schedules pause`.
struct SchedulesPause: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Pause a schedule until it is resumed.",
        discussion: """
            EXAMPLES
              moose schedules pause nightly --reason "the source is down"
            """)

    @OptionGroup var options: ScheduleOptions
    @OptionGroup var common: CommonOptions

    func wanted() throws -> ScheduleEdit { try options.edit() }

    func answer(
        to wanted: ScheduleEdit, from database: PostgresClient, on terminal: Terminal
    ) async throws -> CommandAnswer {
        let isNew = try await wanted.pause(in: database)
        return CommandAnswer(
            text: isNew
                ? "\(wanted.name) is paused; `moose schedules resume` ends it.\n"
                : "\(wanted.name) is paused already.\n",
            json: ["name": .string(wanted.name), "paused": .bool(true), "changed": .bool(isNew)])
    }
}
