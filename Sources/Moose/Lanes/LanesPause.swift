internal import ArgumentParser
internal import Operations
internal import Postgres

/// `moose lanes pause`.
struct LanesPause: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Start no more work of a lane. What runs goes on.",
        discussion: """
            What is published to it is registered: it can be listed, cancelled, moved and reprioritised. No attempt is \
            burned. It stays paused until `moose lanes resume`, also across restarts.

            EXAMPLES
              moose lanes pause llm --reason "the provider is down"
            """)

    @OptionGroup var lane: LaneNameArgument

    @Option(help: ArgumentHelp("Why; whoever looks at the lane reads it.", valueName: "text"))
    var reason: String

    @OptionGroup var common: CommonOptions

    func wanted() throws -> LaneChange {
        LaneChange(lane: try lane.name(), who: try Who.name(), reason: try ReasonArgument.parse(reason))
    }

    func answer(to wanted: LaneChange, from database: PostgresClient, on terminal: Terminal) async throws
        -> CommandAnswer
    {
        let isNew = try await wanted.pause(in: database)
        let line = try await LaneLine.all(in: database).first { $0.name == wanted.lane }
        var text =
            isNew
            ? "The lane \(wanted.lane) is paused: none of its work starts. `moose lanes resume \(wanted.lane)` ends it.\n"
            : "The lane \(wanted.lane) is paused already, since \(line?.settings.pausedAt.map(Moment.exact) ?? "?") "
                + "by \(line?.settings.pausedBy ?? "?"): \(PrintableText.oneLine(line?.settings.pausedWhy ?? ""))\n"
        if line?.workers == 0 { text += "No live worker serves it: check the spelling of its name.\n" }
        return CommandAnswer(text: text, json: ["lane": line?.json ?? .null, "changed": .bool(isNew)])
    }
}
