internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose escalations show`.
struct EscalationsShow: DatabaseCommand {
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

    func wanted() throws -> UUID {
        try IdentifierArgument.parse(identifier, of: "an escalation", listedBy: "moose escalations list")
    }

    func answer(to wanted: UUID, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        guard let escalation = try await Escalation.find(wanted, in: database) else {
            throw CommandFailure(
                "there is no escalation \(wanted.uuidString.lowercased())",
                next: "`moose escalations list` shows them", status: .refused)
        }
        let samples = try await EscalationEvent.samples(of: wanted, limit: events, in: database)
        var fields = escalation.json
        fields["sample_events"] = .array(samples.map(\.json))
        return CommandAnswer(text: try text(escalation, samples, terminal), json: .object(fields))
    }

    private func text(
        _ escalation: Escalation, _ samples: [EscalationEvent], _ terminal: Terminal
    ) throws -> String {
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
        text += table.text(for: terminal)
        // What an event holds beside its message, such as the body of one that could not be read.
        if let latest = samples.first, case .object(let details) = JSONValue.document(latest.details), !details.isEmpty
        {
            text += "\n" + terminal.styled("Details of the latest event", .bold) + "\n"
            text += try JSONValue.object(details).lines()
        }
        return text
    }
}
