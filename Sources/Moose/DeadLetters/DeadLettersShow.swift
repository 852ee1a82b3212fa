internal import ArgumentParser
internal import FoundationEssentials
internal import Operations

/// `moose dead-letters show`.
struct DeadLettersShow: AsyncParsableCommand {
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

    func run() async throws {
        try await runCommand {
            let id = try IdentifierArgument.parse(identifier, of: "a dead letter", listedBy: "moose dead-letters list")
            let (found, history) = try await common.withDatabase { database in
                (try await DeadLetterSummary.find(id, in: database), try await DeadLetterEvent.of(id, in: database))
            }
            guard let found else {
                throw CommandFailure(
                    "there is no dead letter \(id.uuidString.lowercased())",
                    next: "`moose dead-letters list` shows them", status: .refused)
            }
            if common.json {
                var fields = found.letter.json
                fields["body"] = .document(found.content.body)
                if String(validating: found.content.body, as: UTF8.self) == nil {
                    fields["body_base64"] = .string(Data(found.content.body).base64EncodedString())
                }
                fields["headers"] = .document(found.content.headers)
                fields["properties_base64"] = .text(found.content.properties.map { Data($0).base64EncodedString() })
                fields["history"] = .array(history.map(\.json))
                print(try JSONOutput.text(JSONValue.object(fields)), terminator: "")
            } else {
                print(try text(found.letter, found.content, history), terminator: "")
            }
        }
    }

    private func text(
        _ letter: DeadLetterSummary, _ content: DeadLetterSummary.Content, _ history: [DeadLetterEvent]
    ) throws -> String {
        let terminal = common.terminal
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
