internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose dead-letters list`.
struct DeadLettersList: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List dead letters, the newest first.",
        discussion: """
            EXAMPLES
              moose dead-letters list
              moose dead-letters list --reason unknown_kind --lane llm
              moose dead-letters list --since 2h --text "rate limit"
              moose dead-letters list --json | jq -r '.[].explanation' | sort | uniq -c
            """)

    @OptionGroup var which: DeadLetterOptions

    @Option(help: "Those in this state.")
    var state = DeadLetterFilter.State.dead

    @Option(help: ArgumentHelp("Go on after this letter, the last of the page before.", valueName: "id"))
    var after: String?

    @OptionGroup var list: ListLimit
    @OptionGroup var common: CommonOptions

    func wanted() throws -> DeadLetterFilter {
        var filter = try which.filter()
        filter.state = state
        filter.after = try after.map { id throws(CommandFailure) in
            try IdentifierArgument.parse(id, of: "a dead letter", listedBy: "moose dead-letters list")
        }
        return filter
    }

    func answer(
        to wanted: DeadLetterFilter, from database: PostgresClient, on terminal: Terminal
    ) async throws -> CommandAnswer {
        let letters = try await wanted.newest(list.limit, in: database)
        return common.answer(
            text: text(letters, of: wanted, terminal), json: .array(letters.map { JSONValue.object($0.json) }))
    }

    private func text(_ letters: [DeadLetterSummary], of filter: DeadLetterFilter, _ terminal: Terminal) -> String {
        guard let last = letters.last else {
            let isEverything = filter.isEverything && state == .dead && after == nil
            return "No dead letters\(isEverything ? "" : " like that").\n"
        }
        let table = table(letters).text(for: terminal)
        guard letters.count == list.limit else { return table }
        return table + "The newest \(letters.count); `--after \(last.id.uuidString.lowercased())` shows the next.\n"
    }

    private func table(_ letters: [DeadLetterSummary]) -> Table {
        var table = Table([
            .init("ID"), .init("STATE"), .init("REASON"), .init("KIND"), .init("LANE"), .init("BYTES", .right),
            .init("WHEN"), .init("EXPLANATION", isFlexible: true),
        ])
        for letter in letters {
            table.add([
                Table.Cell(letter.id.uuidString.lowercased()),
                Table.Cell(letter.state, StateStyle.style(letter.state)), Table.Cell(letter.reason),
                Table.Cell(letter.kind ?? "-"), Table.Cell(letter.lane ?? "-"),
                Table.Cell(NumberText.grouped(letter.size)), Table.Cell(Moment.ago(letter.createdAt)),
                Table.Cell(letter.explanation),
            ])
        }
        return table
    }
}
