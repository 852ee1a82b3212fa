internal import ArgumentParser
internal import Operations
internal import Postgres

/// `moose schedules remove`.
struct SchedulesRemove: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a schedule. Orders it has written go on.",
        discussion: """
            EXAMPLES
              moose schedules remove nightly --reason "not needed any more"
            """)

    @OptionGroup var options: ScheduleOptions
    @OptionGroup var common: CommonOptions

    func wanted() throws -> ScheduleEdit { try options.edit() }

    func answer(
        to wanted: ScheduleEdit, from database: PostgresClient, on terminal: Terminal
    ) async throws -> CommandAnswer {
        try await wanted.remove(in: database)
        return CommandAnswer(
            text: "\(wanted.name) is removed.\n", json: ["name": .string(wanted.name), "removed": .bool(true)])
    }
}
