internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import WorkOrders

/// `moose work-orders reschedule`.
struct WorkOrdersReschedule: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reschedule",
        abstract: "Have work orders that wait run at another time.",
        discussion: """
            Not before this time; `now` for at once. An order that waits for money or for others goes on waiting for them. \
            What runs stays as it is. With filters it only counts, until you add --yes.

            EXAMPLES
              moose work-orders reschedule 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e --run-at 2026-01-31T12:00:00Z
              moose work-orders reschedule --run-at now --state scheduled --project textkit --yes

            It exits with 4 when one of the ids does not wait, or waits for money.
            """)

    @Option(help: ArgumentHelp("Such as 2026-01-31T12:00:00Z, or `now`.", valueName: "time"))
    var runAt: String

    @OptionGroup var orders: PlacedOrders

    func run() async throws {
        try await runCommand {
            guard let time = runAt == "now" ? Date() : Date(rfc3339: runAt) else {
                throw CommandFailure(
                    "--run-at is no time: \(PrintableText.oneLine(runAt))",
                    next: "Write `now`, or a time such as 2026-01-31T12:00:00Z.", status: .usage)
            }
            try await orders.give(
                .runAt(time), words: "runs \(runAt == "now" ? "as soon as a slot is free" : "not before \(runAt)")")
        }
    }
}
