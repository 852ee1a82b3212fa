internal import ArgumentParser
internal import FoundationEssentials
internal import Operations

/// `moose schedules resume`.
struct SchedulesResume: AsyncParsableCommand {
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

    func run() async throws {
        try await runCommand {
            let edit = try options.edit()
            let next = try await common.withDatabase { try await edit.resume(in: $0) }
            let json: JSONValue = [
                "name": .string(edit.name), "paused": .bool(false), "changed": .bool(next != nil),
                "next_run_at": .time(next),
            ]
            let text =
                next.map { "\(edit.name) ticks again, next at \(Moment.minute($0)).\n" }
                ?? "\(edit.name) is not paused.\n"
            print(common.json ? try JSONOutput.text(json) : text, terminator: "")
        }
    }
}
