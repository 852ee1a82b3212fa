internal import ArgumentParser
internal import Operations
internal import Postgres
internal import Settings

/// `moose lanes list`.
struct LanesList: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the lanes: weight, limits, pause, what runs and what is held back.",
        discussion: """
            Lanes that live workers serve, those something was set for, and those that have work and no worker: what \
            they hold stands in the last column.

            EXAMPLES
              moose lanes list
              moose lanes list --json
            """)

    @OptionGroup var common: CommonOptions

    func wanted() throws {}

    func answer(to wanted: Void, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let lanes = try await LaneLine.all(in: database)
        return CommandAnswer(
            text: lanes.isEmpty ? "No lane: no worker is alive, and nothing was set for one.\n" : text(lanes, terminal),
            json: .array(lanes.map(\.json)))
    }

    private func text(_ lanes: [LaneLine], _ terminal: Terminal) -> String {
        var table = Table(
            [
                .init("LANE"), .init("WEIGHT", .right), .init("LIMIT", .right), .init("RATE", .right),
                .init("RUNNING", .right), .init("HELD", .right), .init("WORKERS", .right),
                .init("PAUSED", isFlexible: true),
            ] + (lanes.contains { $0.untended != nil } ? [.init("WITHOUT A WORKER")] : []))
        for lane in lanes {
            var paused = "-"
            if let since = lane.settings.pausedAt {
                paused = "\(Moment.ago(since)) by \(lane.settings.pausedBy ?? "?"): \(lane.settings.pausedWhy ?? "")"
            }
            table.add(
                [
                    Table.Cell(lane.name), Table.Cell(lane.settings.weight.map(String.init) ?? "-"),
                    Table.Cell(lane.settings.concurrency.map(String.init) ?? "-"),
                    Table.Cell(lane.settings.rate?.description ?? "-"),
                    Table.Cell(NumberText.grouped(lane.running)), Table.Cell(NumberText.grouped(lane.held)),
                    Table.Cell(NumberText.grouped(lane.workers)), Table.Cell(PrintableText.oneLine(paused)),
                ] + (lanes.contains { $0.untended != nil } ? [Table.Cell(lane.untended?.load ?? "-", .red)] : []))
        }
        return table.text(for: terminal)
    }
}
