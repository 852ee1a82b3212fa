internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Settings
internal import WorkOrders

/// `moose work-orders move`.
struct WorkOrdersMove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: "Move work orders that wait to another lane.",
        discussion: """
            They keep their ids, their history and their place in the line by priority and age. What runs stays where it is. \
            With filters it only counts, until you add --yes.

            EXAMPLES
              moose work-orders move 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e --to bulk
              moose work-orders move --to bulk --lane default --project textkit --yes

            It exits with 4 when one of the ids does not wait.
            """)

    @Option(help: ArgumentHelp("The lane they shall wait in, one of moose.yaml.", valueName: "lane"))
    var to: String

    @OptionGroup var orders: PlacedOrders

    func run() async throws {
        try await runCommand {
            let settings = try orders.common.settings()
            guard settings.lanes[to] != nil else {
                throw CommandFailure(
                    "moose.yaml has no lane \(PrintableText.oneLine(to))",
                    next: "Its lanes are \(settings.lanes.keys.sorted().joined(separator: ", ")).", status: .usage)
            }
            try await orders.give(.lane(to), words: "waits in the lane \(to)")
        }
    }
}
