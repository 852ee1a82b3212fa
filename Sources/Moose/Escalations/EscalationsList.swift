internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose escalations list`.
struct EscalationsList: DatabaseCommand {
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

    func wanted() throws -> EscalationFilter {
        let after = try after.map { id throws(CommandFailure) in
            try IdentifierArgument.parse(id, of: "an escalation", listedBy: "moose escalations list")
        }
        return EscalationFilter(all: all, after: after)
    }

    func answer(
        to wanted: EscalationFilter, from database: PostgresClient, on terminal: Terminal
    ) async throws -> CommandAnswer {
        let escalations = try await wanted.newest(list.limit, in: database)
        return common.answer(
            text: text(escalations, terminal), json: .array(escalations.map { JSONValue.object($0.json) }))
    }

    private func text(_ escalations: [Escalation], _ terminal: Terminal) -> String {
        guard let last = escalations.last else {
            return "No \(all ? "" : "open ")escalations\(after == nil ? "" : " after that").\n"
        }
        let table = table(escalations).text(for: terminal)
        guard escalations.count == list.limit else { return table }
        let next = "`--after \(last.id.uuidString.lowercased())` shows the next"
        return table + "The last seen \(escalations.count); \(next).\n"
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
