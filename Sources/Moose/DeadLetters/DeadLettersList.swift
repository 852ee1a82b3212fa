internal import ArgumentParser
internal import FoundationEssentials
internal import WorkOrders

/// `moose dead-letters list`.
struct DeadLettersList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List dead letters, the newest first.",
        discussion: """
            EXAMPLES
              moose dead-letters list
              moose dead-letters list --reason unknown_kind --lane llm
              moose dead-letters list --json | jq -r '.[].explanation' | sort | uniq -c
            """)

    @Option(help: "Only those refused for this reason.")
    var reason: DeadLetterReason?

    @Option(help: "Only those of this kind of work order.")
    var kind: String?

    @Option(help: "Only those of this lane.")
    var lane: String?

    @Flag(help: "Redriven and purged ones too.")
    var all = false

    @OptionGroup var list: ListLimit
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let letters = try await common.withDatabase { database in
                try await DeadLetter.newest(
                    reason: reason?.rawValue, kind: kind, lane: lane, all: all, limit: list.limit, in: database)
            }
            if common.json {
                print(try JSONOutput.text(list: letters.map { JSONValue.object($0.json) }), terminator: "")
            } else if letters.isEmpty {
                print("No dead letters\(reason == nil && kind == nil && lane == nil ? "" : " like that").")
            } else {
                print(table(letters).text(for: common.terminal), terminator: "")
            }
        }
    }

    private func table(_ letters: [DeadLetter]) -> Table {
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
