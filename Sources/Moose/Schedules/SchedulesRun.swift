internal import ArgumentParser
internal import FoundationEssentials
internal import Operations

/// `moose schedules run`.
struct SchedulesRun: AsyncParsableCommand {
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

    func run() async throws {
        try await runCommand {
            let edit = try options.edit()
            let id = try await common.withDatabase { try await edit.run(in: $0) }
            let json: JSONValue = ["name": .string(edit.name), "work_order": .id(id)]
            print(common.json ? try JSONOutput.text(json) : "\(id.uuidString.lowercased())\n", terminator: "")
        }
    }
}
