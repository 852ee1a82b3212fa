internal import ArgumentParser
internal import FoundationEssentials
internal import Operations

/// `moose work-orders retry`.
struct WorkOrdersRetry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Have work orders that failed, or wait for review, tried again from their first attempt on.",
        discussion: """
            Each becomes pending and is taken as soon as a slot is free, or blocked while something it depends on isn't completed. Its \
            earlier attempts and costs stay in its story.

            EXAMPLES
              moose work-orders retry 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e --reason "the key is renewed"
              moose work-orders list --state failed --kind draft --json | jq -r '.[].id' | xargs moose work-orders retry

            It exits with 4 when one of them neither failed nor waits for review, or when another work order holds its \
            unique key.
            """)

    @Argument(help: ArgumentHelp("The ids of the work orders.", valueName: "id"))
    var identifiers: [String]

    @Option(help: ArgumentHelp("Why; the audit log keeps it.", valueName: "text"))
    var reason: String?

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let reason = try reason.map { try ReasonArgument.parse($0) }
            let who = try Who.name()
            let ids = try identifiers.map {
                try IdentifierArgument.parse($0, of: "a work order", listedBy: "moose work-orders list")
            }
            let changes = try await common.withDatabase { database in
                try await WorkOrderChange.inPieces(ids) {
                    try await WorkOrderChange.retry($0, who: who, reason: reason, in: database)
                }
            }
            try WorkOrderChangeText.show(changes, common) { change in
                switch (change.before, change.after) {
                case (_, "failed") where change.keyHolder != nil:
                    (
                        "stays failed: the work order \(change.keyHolder?.uuidString.lowercased() ?? "?") holds its unique "
                            + "key; wait until that one has ended, or cancel it",
                        true
                    )
                case ("failed", "blocked"), ("needs_review", "blocked"): ("waits for what it depends on", false)
                case ("failed", _), ("needs_review", _): ("is tried again", false)
                case ("unknown", _):
                    (
                        "is not in the database: it still waits in its lane's queue, or was never accepted", true
                    )
                case ("pruned", _): ("ended long ago and was pruned: publish it again under another id", true)
                default:
                    (
                        "is \(change.after): only work orders that failed or wait for review are tried again by hand",
                        true
                    )
                }
            }
        }
    }
}
