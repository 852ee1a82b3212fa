internal import ArgumentParser
internal import FoundationEssentials
internal import Operations

/// `moose dead-letters list`.
struct DeadLettersList: AsyncParsableCommand {
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

    func run() async throws {
        try await runCommand {
            var filter = try which.filter()
            filter.state = state
            filter.after = try after.map { id throws(CommandFailure) in
                try IdentifierArgument.parse(id, of: "a dead letter", listedBy: "moose dead-letters list")
            }
            let (wanted, limit) = (filter, list.limit)
            let letters = try await common.withDatabase { try await wanted.newest(limit, in: $0) }
            if common.json {
                print(try JSONOutput.text(list: letters.map { JSONValue.object($0.json) }), terminator: "")
            } else if letters.isEmpty {
                print("No dead letters\(wanted.isEverything && state == .dead && after == nil ? "" : " like that").")
            } else {
                print(table(letters).text(for: common.terminal), terminator: "")
                if letters.count == limit, let last = letters.last {
                    print("The newest \(limit); `--after \(last.id.uuidString.lowercased())` shows the next.")
                }
            }
        }
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
