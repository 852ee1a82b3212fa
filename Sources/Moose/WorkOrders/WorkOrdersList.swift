internal import ArgumentParser
internal import FoundationEssentials
internal import WorkOrders

/// `moose work-orders list`.
struct WorkOrdersList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List work orders, the newest first.",
        discussion: """
            Of more than 200,000 the newest are those with the highest ids; with ids of version 7 that is the same.

            EXAMPLES
              moose work-orders list
              moose work-orders list --state failed --kind generate_file --limit 10
              moose work-orders list --lane llm --json | jq -r '.[].id'
            """)

    @Option(help: "Only those in this state.")
    var state: WorkOrderState?

    @Option(help: "Only those of this kind.")
    var kind: String?

    @Option(help: "Only those of this lane.")
    var lane: String?

    @OptionGroup var list: ListLimit
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let orders = try await common.withDatabase { database in
                try await WorkOrderSummary.newest(
                    state: state, kind: kind, lane: lane, limit: list.limit, in: database)
            }
            if common.json {
                print(try JSONOutput.text(list: orders.map(\.json)), terminator: "")
            } else if orders.isEmpty {
                print("No work orders\(state == nil && kind == nil && lane == nil ? "" : " like that").")
            } else {
                print(table(orders).text(for: common.terminal), terminator: "")
            }
        }
    }

    private func table(_ orders: [WorkOrderSummary]) -> Table {
        var table = Table([
            .init("ID"), .init("STATE"), .init("KIND"), .init("LANE"), .init("TRY", .right), .init("CREATED"),
            .init("TITLE", isFlexible: true),
        ])
        for order in orders {
            table.add([
                Table.Cell(order.id.uuidString.lowercased()), Table.Cell(order.state, StateStyle.style(order.state)),
                Table.Cell(order.kind), Table.Cell(order.lane), Table.Cell("\(order.attempt)"),
                Table.Cell(Moment.ago(order.createdAt)), Table.Cell(order.title),
            ])
        }
        return table
    }
}
