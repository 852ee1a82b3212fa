internal import ArgumentParser
internal import FoundationEssentials
internal import Operations

/// `moose escalations list`.
struct EscalationsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List open escalations, the last seen first.",
        discussion: """
            EXAMPLES
              moose escalations list
              moose escalations list --all --limit 10
              moose escalations list --json | jq '.[] | select(.severity == "critical")'
              moose escalations list --after 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e
            """)

    @Flag(help: "Resolved ones too.")
    var all = false

    @Option(help: ArgumentHelp("Go on after this escalation, the last of the page before.", valueName: "id"))
    var after: String?

    @OptionGroup var list: ListLimit
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let after = try after.map { id throws(CommandFailure) in
                try IdentifierArgument.parse(id, of: "an escalation", listedBy: "moose escalations list")
            }
            let (filter, limit) = (EscalationFilter(all: all, after: after), list.limit)
            let escalations = try await common.withDatabase { try await filter.newest(limit, in: $0) }
            if common.json {
                print(try JSONOutput.text(list: escalations.map { JSONValue.object($0.json) }), terminator: "")
            } else if escalations.isEmpty {
                print("No \(all ? "" : "open ")escalations\(after == nil ? "" : " after that").")
            } else {
                print(table(escalations).text(for: common.terminal), terminator: "")
                if escalations.count == limit, let last = escalations.last {
                    print("The last seen \(limit); `--after \(last.id.uuidString.lowercased())` shows the next.")
                }
            }
        }
    }

    private func table(_ escalations: [Escalation]) -> Table {
        var table = Table([
            .init("ID"), .init("STATE"), .init("SEVERITY"), .init("CLASS"), .init("COUNT", .right), .init("LAST SEEN"),
            .init("MESSAGE", isFlexible: true),
        ])
        for escalation in escalations {
            table.add([
                Table.Cell(escalation.id.uuidString.lowercased()),
                Table.Cell(escalation.state, StateStyle.style(escalation.state)),
                Table.Cell(escalation.severity, StateStyle.style(escalation.severity)),
                Table.Cell(escalation.failureClass), Table.Cell(NumberText.grouped(escalation.count)),
                Table.Cell(Moment.ago(escalation.lastSeen)), Table.Cell(escalation.message),
            ])
        }
        return table
    }
}
