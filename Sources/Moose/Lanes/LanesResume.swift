internal import ArgumentParser
internal import Operations
internal import Postgres

/// `moose lanes resume`.
struct LanesResume: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let a paused lane go on.",
        discussion: """
            What it held back goes on by itself, the oldest first.

            EXAMPLES
              moose lanes resume llm
              moose lanes resume llm --reason "the provider is back"
            """)

    @OptionGroup var lane: LaneNameArgument

    @Option(help: ArgumentHelp("Why, for the audit log.", valueName: "text"))
    var reason: String?

    @OptionGroup var common: CommonOptions

    func wanted() throws -> LaneChange {
        LaneChange(
            lane: try lane.name(), who: try Who.name(),
            reason: try reason.map { text throws(CommandFailure) in try ReasonArgument.parse(text) })
    }

    func answer(to wanted: LaneChange, from database: PostgresClient, on terminal: Terminal) async throws
        -> CommandAnswer
    {
        let before = try await LaneLine.all(in: database).first { $0.name == wanted.lane }
        let isNew = try await wanted.resume(in: database)
        let line = try await LaneLine.all(in: database).first { $0.name == wanted.lane }
        let held = NumberText.counted(before?.held ?? 0, "order")
        var text =
            isNew
            ? "The lane \(wanted.lane) goes on; it held back \(held), which it starts by itself.\n"
            : "The lane \(wanted.lane) is not paused.\n"
        if !isNew, line?.workers ?? 0 == 0 { text += "No live worker serves it: check the spelling of its name.\n" }
        return CommandAnswer(text: text, json: ["lane": line?.json ?? .null, "changed": .bool(isNew)])
    }
}
