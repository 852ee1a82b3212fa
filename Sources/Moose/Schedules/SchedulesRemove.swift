internal import ArgumentParser
internal import Operations

/// `moose schedules remove`.
struct SchedulesRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a schedule. Orders it has written go on.",
        discussion: """
            EXAMPLES
              moose schedules remove nightly --reason "not needed any more"
            """)

    @OptionGroup var options: ScheduleOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let edit = try options.edit()
            try await common.withDatabase { try await edit.remove(in: $0) }
            let json: JSONValue = ["name": .string(edit.name), "removed": .bool(true)]
            print(common.json ? try JSONOutput.text(json) : "\(edit.name) is removed.\n", terminator: "")
        }
    }
}
