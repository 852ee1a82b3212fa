internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres
internal import WorkOrders

/// `moose work-orders cancel`.
struct WorkOrdersCancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel work orders, queued or running.",
        discussion: """
            What waits is cancelled at once. What runs is stopped by its worker within about a second, and keeps what it \
            cost; a result that comes first wins. An id that was never seen is cancelled too: its message may still be \
            on its way. With filters it only counts, until you add --yes; they find whatever was published some seconds \
            ago, as long as a worker or a Client Manager runs.

            EXAMPLES
              moose work-orders cancel 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e --reason duplicate
              moose work-orders cancel --lane llm --reason "wrong prompt"
              moose work-orders cancel --lane llm --reason "wrong prompt" --yes

            It exits with 4 when one of the ids has completed or failed already.
            """)

    @Argument(help: ArgumentHelp("The ids of the work orders.", valueName: "id"))
    var identifiers: [String] = []

    @Option(help: ArgumentHelp("Why; whoever looks at the order reads it.", valueName: "text"))
    var reason: String

    @Option(help: "Those in this state.")
    var state: WorkOrderState?

    @Option(help: "Those of this kind.")
    var kind: String?

    @Option(help: "Those of this lane.")
    var lane: String?

    @Option(help: "Those of this project.")
    var project: String?

    @Option(help: "Those of this agent.")
    var agent: String?

    @Flag(help: "With filters: cancel them, not only count.")
    var yes = false

    @OptionGroup var common: CommonOptions

    private var filter: WorkOrderFilter {
        WorkOrderFilter(state: state?.rawValue, kind: kind, lane: lane, project: project, agent: agent)
    }

    func validate() throws {
        guard identifiers.isEmpty != filter.isEmpty else {
            throw ValidationError("State either ids or filters (--state, --kind, --lane, --project, --agent).")
        }
    }

    func run() async throws {
        try await runCommand {
            let reason = try ReasonArgument.parse(reason)
            let who = try Who.name()
            guard !identifiers.isEmpty else { return try await cancelMatching(who, reason) }
            let ids = try identifiers.map {
                try IdentifierArgument.parse($0, of: "a work order", listedBy: "moose work-orders list")
            }
            let changes = try await common.withDatabase { database in
                try await WorkOrderChange.inPieces(ids) {
                    try await WorkOrderChange.cancel($0, who: who, reason: reason, in: database)
                }
            }
            try WorkOrderChangeText.show(changes, common) { change in
                switch (change.before, change.after) {
                case ("unknown", _): ("never seen: its message will be dropped when it comes", false)
                case (_, "cancel_requested"): ("runs: its worker is told to stop it", false)
                case ("pruned", _): ("ended long ago and was pruned", true)
                case ("cancelled", _): ("was cancelled before", false)
                case (_, "cancelled"): ("cancelled, was \(change.before)", false)
                default: ("is \(change.after) already", true)
                }
            }
        }
    }

    private func cancelMatching(_ who: String, _ reason: String) async throws {
        let (count, became) = try await common.withDatabase { database in
            let count = try await filter.count(in: database)
            guard yes else { return (count, [String: Int]?.none) }
            return (count, try await filter.cancel(who: who, reason: reason, in: database))
        }
        if common.json {
            let fields: JSONValue = [
                "matching": .count(count), "cancelled": .count(became?["cancelled"] ?? 0),
                "cancel_requested": .count(became?["cancel_requested"] ?? 0),
            ]
            print(try JSONOutput.text(fields), terminator: "")
        } else if let became {
            print(
                "Cancelled \(became["cancelled"] ?? 0); told workers to stop \(became["cancel_requested"] ?? 0) that run."
            )
        } else {
            print("\(count) match. Nothing is cancelled yet: add --yes.")
        }
    }
}
