internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose dead-letters show`.
struct DeadLettersShow: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one dead letter: why it died, its headers, its body and what became of it.",
        discussion: """
            EXAMPLES
              moose dead-letters show 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e
              moose dead-letters show 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e --json | jq .body
            """)

    @Argument(help: ArgumentHelp("The id of the dead letter.", valueName: "id"))
    var identifier: String

    @OptionGroup var common: CommonOptions

    func wanted() throws -> UUID {
        try IdentifierArgument.parse(identifier, of: "a dead letter", listedBy: "moose dead-letters list")
    }

    func answer(to wanted: UUID, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        guard let (letter, content) = try await DeadLetterSummary.find(wanted, in: database) else {
            throw CommandFailure(
                "there is no dead letter \(wanted.uuidString.lowercased())",
                next: "`moose dead-letters list` shows them", status: .refused)
        }
        let history = try await DeadLetterEvent.of(wanted, in: database)
        return try common.answer(
            text: try text(letter, content, history, terminal), json: json(letter, content, history))
    }

    private func json(
        _ letter: DeadLetterSummary, _ content: DeadLetterSummary.Content, _ history: [DeadLetterEvent]
    ) -> JSONValue {
        var fields = letter.json
        fields["body"] = .document(content.body)
        if String(validating: content.body, as: UTF8.self) == nil {
            fields["body_base64"] = .string(Data(content.body).base64EncodedString())
        }
        fields["headers"] = .document(content.headers)
        fields["properties_base64"] = .text(content.properties.map { Data($0).base64EncodedString() })
        fields["history"] = .array(history.map(\.json))
        return .object(fields)
    }

    private func text(
        _ letter: DeadLetterSummary, _ content: DeadLetterSummary.Content, _ history: [DeadLetterEvent],
        _ terminal: Terminal
    ) throws -> String {
        var text = terminal.styled(PrintableText.oneLine(letter.headline), .bold) + "\n"
        var facts = FactList()
        facts.add("id", letter.id.uuidString.lowercased())
        facts.add("state", letter.state, StateStyle.style(letter.state))
        facts.add("work order", letter.workOrderID?.uuidString.lowercased())
        facts.add("kind", letter.kind)
        facts.add("lane", letter.lane)
        facts.add("exchange", letter.exchange.map { $0.isEmpty ? "(default)" : $0 })
        facts.add("routing key", letter.routingKey)
        facts.add("died in", letter.queue)
        facts.add("deaths", letter.deaths.map { "\($0), last at \(Moment.exact(letter.diedAt ?? letter.createdAt))" })
        facts.add("stands for", letter.isOrder ? "the failed order; a redrive runs it again" : "a message")
        facts.add("size", "\(NumberText.grouped(letter.size)) bytes")
        if let digest = letter.cutDigest {
            facts.add(
                "kept",
                "the first \(NumberText.grouped(letter.keptSize)) bytes; it can't be redriven as it came, only with "
                    + "another body (redrive --body)")
            facts.add("sha256", digest)
        }
        facts.add("arrived", "\(Moment.exact(letter.createdAt)) (\(Moment.ago(letter.createdAt)))")
        text += facts.text(for: terminal)
        if !history.isEmpty {
            text += "\n" + terminal.styled("History", .bold) + "\n"
            for event in history {
                let action = event.action.replacing("_", with: " ")
                let detail = event.detail.map { ", \($0)" } ?? ""
                let why = event.why.map { " (\($0))" } ?? ""
                let line = "  \(Moment.exact(event.at))  \(event.who): \(action)\(detail)\(why)"
                text += PrintableText.oneLine(line) + "\n"
            }
        }
        text += "\n" + terminal.styled("Headers", .bold) + "\n" + (try JSONValue.document(content.headers).lines())
        // A body may be of any size; --json has all of it.
        let shown = Array(content.body.prefix(65_536))
        text += "\n" + terminal.styled("Body", .bold) + "\n" + (try JSONValue.document(shown).lines())
        if shown.count < content.body.count { text += "  … the first \(shown.count) bytes; `--json` prints all.\n" }
        return text
    }
}
