internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose schedules run`.
struct SchedulesRun: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Write an order of a schedule now, paused or not. Its ticks stay where they are.",
        discussion: """
            Prints the id of the order.

            EXAMPLES
              moose schedules run nightly --reason "after the repair"
            """)

    @OptionGroup var options: ScheduleOptions
    @OptionGroup var common: CommonOptions

    func wanted() throws -> ScheduleEdit { try options.edit() }

    func answer(
        to wanted: ScheduleEdit, from database: PostgresClient, on terminal: Terminal
    ) async throws -> CommandAnswer {
        let id = try await wanted.run(in: database)
        return CommandAnswer(
            text: "\(id.uuidString.lowercased())\n", json: ["name": .string(wanted.name), "work_order": .id(id)])
    }
}
