internal import ArgumentParser
internal import FoundationEssentials
internal import Operations

/// `moose escalations show`.
struct EscalationsShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one escalation with its options and its latest events.",
        discussion: """
            EXAMPLES
              moose escalations show 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e
              moose escalations show 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e --json | jq .options
            """)

    @Argument(help: ArgumentHelp("The id of the escalation.", valueName: "id"))
    var identifier: String

    @Option(help: ArgumentHelp("The most events shown, from 1 to 1000.", valueName: "n"))
    var events = 10

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (1...1_000).contains(events) else { throw ValidationError("--events goes from 1 to 1000.") }
    }

    func run() async throws {
        try await runCommand {
            let id = try IdentifierArgument.parse(identifier, of: "an escalation", listedBy: "moose escalations list")
            let found = try await common.withDatabase { database in
                (
                    try await Escalation.find(id, in: database),
                    try await EscalationEvent.samples(of: id, limit: events, in: database)
                )
            }
            guard let escalation = found.0 else {
                throw CommandFailure(
                    "there is no escalation \(id.uuidString.lowercased())", next: "`moose escalations list` shows them",
                    status: .refused)
            }
            if common.json {
                var fields = escalation.json
                fields["sample_events"] = .array(found.1.map(\.json))
                print(try JSONOutput.text(JSONValue.object(fields)), terminator: "")
            } else {
                print(try text(escalation, found.1), terminator: "")
            }
        }
    }

    private func text(_ escalation: Escalation, _ samples: [EscalationEvent]) throws -> String {
        let terminal = common.terminal
        var text = terminal.styled(PrintableText.oneLine(escalation.message), .bold) + "\n"
        var facts = FactList()
        facts.add("id", escalation.id.uuidString.lowercased())
        facts.add("state", escalation.state, StateStyle.style(escalation.state))
        facts.add("severity", escalation.severity, StateStyle.style(escalation.severity))
        facts.add("class", "\(escalation.failureClass), \(escalation.trigger)")
        facts.add("where", "\(escalation.component), \(escalation.operation)")
        facts.add("handler", escalation.handler)
        facts.add("work order", escalation.workOrderID?.uuidString.lowercased())
        facts.add("count", NumberText.grouped(escalation.count))
        facts.add("first seen", "\(Moment.exact(escalation.firstSeen)) (\(Moment.ago(escalation.firstSeen)))")
        facts.add("last seen", "\(Moment.exact(escalation.lastSeen)) (\(Moment.ago(escalation.lastSeen)))")
        text += facts.text(for: terminal)
        text += "\n" + terminal.styled("Options", .bold) + "\n"
        text += try EscalationOptionsText.text(.document(escalation.options), for: terminal)
        text += "\n" + terminal.styled("Latest events", .bold) + "\n"
        var table = Table([.init("TIME (UTC)"), .init("WORK ORDER"), .init("MESSAGE", isFlexible: true)])
        for sample in samples {
            table.add([
                Table.Cell(Moment.exact(sample.occurredAt)),
                Table.Cell(sample.workOrderID?.uuidString.lowercased() ?? "-"), Table.Cell(sample.message),
            ])
        }
        return text + table.text(for: terminal)
    }
}
