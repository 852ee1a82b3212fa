internal import ArgumentParser
internal import FoundationEssentials
internal import Operations

/// `moose workers list`.
struct WorkersList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List worker processes.",
        discussion: """
            draining: told to stop, ends what runs. lost: without a word for a minute; its work is rescued.

            EXAMPLES
              moose workers list
              moose workers list --all --json | jq -r '.[] | select(.state == "lost") | .host'
            """)

    @Flag(help: "Those that stopped, too.")
    var all = false

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let workers = try await common.withDatabase { try await WorkerProcess.list(all: all, in: $0) }
            if common.json {
                print(try JSONOutput.text(list: workers.map(\.json)), terminator: "")
            } else if workers.isEmpty {
                print("No workers\(all ? "" : " that have not stopped").")
            } else {
                print(table(workers).text(for: common.terminal), terminator: "")
            }
        }
    }

    private func table(_ workers: [WorkerProcess]) -> Table {
        var table = Table([
            .init("ID"), .init("STATE"), .init("HOST"), .init("PID", .right), .init("SLOTS", .right),
            .init("RUNNING", .right), .init("SEEN"), .init("LANES", isFlexible: true),
        ])
        for worker in workers {
            table.add([
                Table.Cell(worker.id.uuidString.lowercased()), Table.Cell(worker.state, style(worker.state)),
                Table.Cell(worker.host), Table.Cell("\(worker.pid)"), Table.Cell("\(worker.slots)"),
                Table.Cell("\(worker.running)"), Table.Cell(Moment.ago(worker.lastSeen)),
                Table.Cell(worker.lanes.joined(separator: " ")),
            ])
        }
        return table
    }

    private func style(_ state: String) -> TextStyle {
        switch state {
        case "working": .green
        case "draining": .yellow
        case "lost": .red
        default: .dim
        }
    }
}
