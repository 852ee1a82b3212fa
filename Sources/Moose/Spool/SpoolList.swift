internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Spool

/// `moose spool list`.
struct SpoolList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the spool's files for this broker, the oldest first.",
        discussion: """
            in_use: a living process writes or sends it. waiting: the next replay takes it over. unreadable: lines \
            that are no messages, kept for a person.

            EXAMPLES
              moose spool list
              moose spool list --json | jq 'map(.messages) | add'
            """)

    @Option(help: "The folder (default: spool.folder of moose.yaml).") var folder: String?
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let spool = try SpoolPlace.spool(try common.settings(), folder: folder)
            let files = try await spool.summaries()
            if common.json {
                print(try JSONOutput.text(list: files.map(Self.json)), terminator: "")
            } else if files.isEmpty {
                print("Nothing is spooled in \(spool.folder).")
            } else {
                var table = Table([
                    .init("STATE"), .init("KIND"), .init("MESSAGES", .right), .init("BYTES", .right), .init("OLDEST"),
                    .init("FILE", isFlexible: true),
                ])
                for file in files {
                    table.add([
                        Table.Cell(file.state.rawValue), Table.Cell(file.kind?.rawValue ?? "-"),
                        Table.Cell(file.state == .waiting ? NumberText.grouped(file.messages) : "-"),
                        Table.Cell(NumberText.grouped(file.bytes)), Table.Cell(Moment.ago(file.oldest)),
                        Table.Cell(file.path),
                    ])
                }
                print(table.text(for: common.terminal), terminator: "")
            }
        }
    }

    private static func json(_ file: SpoolFileSummary) -> JSONValue {
        .object([
            "file": .string(file.path), "state": .string(file.state.rawValue), "bytes": .count(file.bytes),
            "kind": .text(file.kind?.rawValue), "messages": .count(file.state == .waiting ? file.messages : nil),
            "oldest": .time(file.oldest),
        ])
    }
}
