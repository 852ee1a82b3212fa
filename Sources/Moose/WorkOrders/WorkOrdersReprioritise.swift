internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import WorkOrders

/// `moose work-orders reprioritise`.
struct WorkOrdersReprioritise: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reprioritise",
        abstract: "Have work orders that wait taken earlier or later than others of their lane.",
        discussion: """
            From 0 to 9; of what waits in a lane, the highest goes first. What runs stays as it is. With filters it only \
            counts, until you add --yes.

            EXAMPLES
              moose work-orders reprioritise 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e --priority 9
              moose work-orders reprioritise --priority 0 --project textkit --yes

            It exits with 4 when one of the ids does not wait.
            """)

    @Option(parsing: .unconditional, help: "From 0 to 9.")
    var priority: Int

    @OptionGroup var orders: PlacedOrders

    func run() async throws {
        try await runCommand {
            guard (0...9).contains(priority) else {
                throw CommandFailure("--priority must be between 0 and 9", status: .usage)
            }
            try await orders.give(.priority(priority), words: "has the priority \(priority)")
        }
    }
}
