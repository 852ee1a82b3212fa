internal import ArgumentParser
internal import FoundationEssentials

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
            """)

    @Flag(help: "Resolved ones too.")
    var all = false

    @OptionGroup var list: ListLimit
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let escalations = try await common.withDatabase {
                try await Escalation.list(all: all, limit: list.limit, in: $0)
            }
            if common.json {
                print(try JSONOutput.text(list: escalations.map { JSONValue.object($0.json) }), terminator: "")
            } else if escalations.isEmpty {
                print(all ? "No escalations." : "No open escalations.")
            } else {
                print(table(escalations).text(for: common.terminal), terminator: "")
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
