internal import ArgumentParser
internal import Operations

/// `moose schedules pause`.
struct SchedulesPause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Pause a schedule until it is resumed.",
        discussion: """
            EXAMPLES
              moose schedules pause nightly --reason "the source is down"
            """)

    @OptionGroup var options: ScheduleOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let edit = try options.edit()
            let isNew = try await common.withDatabase { try await edit.pause(in: $0) }
            let json: JSONValue = ["name": .string(edit.name), "paused": .bool(true), "changed": .bool(isNew)]
            let text =
                isNew
                ? "\(edit.name) is paused; `moose schedules resume` ends it.\n" : "\(edit.name) is paused already.\n"
            print(common.json ? try JSONOutput.text(json) : text, terminator: "")
        }
    }
}
