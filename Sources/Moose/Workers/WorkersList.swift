internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose workers list`.
struct WorkersList: DatabaseCommand {
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

    func wanted() throws {}

    func answer(to wanted: Void, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let workers = try await WorkerProcess.list(all: all, in: database)
        return common.answer(
            text: workers.isEmpty
                ? "No workers\(all ? "" : " that have not stopped").\n" : table(workers).text(for: terminal),
            json: .array(workers.map(\.json)))
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
