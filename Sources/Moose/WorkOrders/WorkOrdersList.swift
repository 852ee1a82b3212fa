internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres
internal import WorkOrders

/// `moose work-orders list`.
struct WorkOrdersList: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List work orders, the newest first.",
        discussion: """
            Of more than 200,000 the newest are those with the highest ids; with ids of version 7 that is the same.

            EXAMPLES
              moose work-orders list
              moose work-orders list --state failed --kind generate_file --limit 10
              moose work-orders list --project textkit --state pending
              moose work-orders list --lane llm --json | jq -r '.[].id'
              moose work-orders list --after 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e
            """)

    @Option(help: "Only those in this state.")
    var state: WorkOrderState?

    @Option(help: "Only those of this kind.")
    var kind: String?

    @Option(help: "Only those of this lane.")
    var lane: String?

    @Option(help: "Only those of this project.")
    var project: String?

    @Option(help: "Only those of this agent.")
    var agent: String?

    @Option(help: ArgumentHelp("Go on after this order, the last of the page before.", valueName: "id"))
    var after: String?

    @OptionGroup var list: ListLimit
    @OptionGroup var common: CommonOptions

    func wanted() throws -> WorkOrderListFilter {
        let after = try after.map { id throws(CommandFailure) in
            try IdentifierArgument.parse(id, of: "a work order", listedBy: "moose work-orders list")
        }
        return WorkOrderListFilter(
            state: state, kind: kind, lane: lane, project: project, agent: agent, after: after)
    }

    func answer(
        to wanted: WorkOrderListFilter, from database: PostgresClient, on terminal: Terminal
    ) async throws -> CommandAnswer {
        let orders = try await wanted.newest(list.limit, in: database)
        return common.answer(text: text(orders, of: wanted, terminal), json: .array(orders.map(\.json)))
    }

    private func text(_ orders: [WorkOrderSummary], of filter: WorkOrderListFilter, _ terminal: Terminal) -> String {
        guard let last = orders.last else {
            return "No work orders\(filter.isEverything && filter.after == nil ? "" : " like that").\n"
        }
        let table = table(orders).text(for: terminal)
        guard orders.count == list.limit else { return table }
        return table + "The newest \(orders.count); `--after \(last.id.uuidString.lowercased())` shows the next.\n"
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
