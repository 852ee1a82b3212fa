internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose schedules resume`.
struct SchedulesResume: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let a paused schedule tick again, from its next tick on.",
        discussion: """
            What lay in the pause is not made up for; `moose schedules run` writes one order now.

            EXAMPLES
              moose schedules resume nightly
            """)

    @OptionGroup var options: ScheduleOptions
    @OptionGroup var common: CommonOptions

    func wanted() throws -> ScheduleEdit { try options.edit() }

    func answer(
        to wanted: ScheduleEdit, from database: PostgresClient, on terminal: Terminal
    ) async throws -> CommandAnswer {
        let next = try await wanted.resume(in: database)
        return CommandAnswer(
            text: next.map { "\(wanted.name) ticks again, next at \(Moment.minute($0)).\n" }
                ?? "\(wanted.name) is not paused.\n",
            json: [
                "name": .string(wanted.name), "paused": .bool(false), "changed": .bool(next != nil),
                "next_run_at": .time(next),
            ])
    }
}
