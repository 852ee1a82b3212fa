internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose budget correct`.
struct BudgetCorrect: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "correct",
        abstract: "Correct what a closed hold cost.",
        discussion: """
            The difference is posted in the windows the hold was taken in, as an entry of its own: the ledger keeps what \
            was posted before. The hold is named by the id of its work order or reservation; where that has several, by \
            id/token or id/token/number, which the command lists.

            EXAMPLES
              moose budget correct 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e --usd 0.40 --reason "invoice of May"
              moose budget correct 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e/2 --usd 0 --reason "it never reached the provider"
            """)

    @Argument(help: ArgumentHelp("The hold: id, id/token or id/token/number.", valueName: "hold"))
    var hold: String

    @Option(parsing: .unconditional, help: ArgumentHelp("What it really cost.", valueName: "amount"))
    var usd: String

    @Option(help: ArgumentHelp("Why, for `moose budget history`.", valueName: "text"))
    var reason: String

    @OptionGroup var common: CommonOptions

    struct Wanted {
        let hold: HoldIdentifier
        let actual: Int64
        let who: String
        let reason: String
    }

    func wanted() throws -> Wanted {
        Wanted(
            hold: try HoldIdentifier(parsing: hold), actual: try AmountArgument.parse(usd, for: "--usd"),
            who: try Who.name(), reason: try ReasonArgument.parse(reason))
    }

    func answer(to wanted: Wanted, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let found = try await BudgetHold.find(wanted.hold, in: database)
        guard let first = found.first else {
            throw CommandFailure(
                "there is no hold \(wanted.hold)", why: "It was never granted, or its record was pruned",
                next: "`moose work-orders show \(wanted.hold.owner.uuidString.lowercased())` tells what happened")
        }
        let closed = found.filter { !$0.isOpen }
        guard let hold = closed.first else {
            throw CommandFailure(
                "the hold \(first.id) is still open (\(first.state))",
                next: "Its cost is posted when the work ends; correct it then", status: .refused)
        }
        guard closed.count == 1 else {
            throw CommandFailure(
                "\(wanted.hold) has \(closed.count) closed holds:\n\(Self.table(closed).text(for: terminal))",
                next: "Say which one, as in the first column", status: .usage)
        }
        try await hold.correct(to: wanted.actual, who: wanted.who, reason: wanted.reason, in: database)
        return CommandAnswer(
            text: "\(hold.id) cost \(MoneyText.dollars(wanted.actual)) instead of \(MoneyText.dollars(hold.posted)).\n"
                + "Posted to: " + hold.budgets.map { PrintableText.oneLine($0) }.joined(separator: "; ") + ".\n",
            json: [
                "id": .id(hold.id.owner), "token": .count(hold.id.token.map { Int($0) }),
                "number": .count(hold.id.number.map { Int($0) }), "posted_before_usd": .usd(hold.posted),
                "posted_usd": .usd(wanted.actual), "budgets": .array(hold.budgets.map(JSONValue.string)),
            ])
    }

    private static func table(_ holds: [BudgetHold]) -> Table {
        var table = Table([
            .init("HOLD"), .init("STATE"), .init("HELD", .right), .init("POSTED", .right), .init("CLOSED"),
            .init("HANDLER", isFlexible: true),
        ])
        for hold in holds {
            table.add([
                Table.Cell("\(hold.id)"), Table.Cell(hold.state), Table.Cell(MoneyText.dollars(hold.estimate)),
                Table.Cell(MoneyText.dollars(hold.posted)), Table.Cell(Moment.ago(hold.closedAt)),
                Table.Cell(hold.handler ?? "-"),
            ])
        }
        return table
    }
}
