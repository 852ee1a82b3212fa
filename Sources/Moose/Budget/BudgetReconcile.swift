internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose budget reconcile`.
struct BudgetReconcile: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Check every budget against its holds and its ledger; exits with 1 on a difference.",
        discussion: """
            A difference is a defect of Moose, or of a hand in its tables. --current looks only at the days and months \
            that run now, which is quick however old the ledger is.

            EXAMPLES
              moose budget reconcile
              moose budget reconcile --current --json
            """)

    @Flag(help: "Only the days and months that run now.")
    var current = false

    @OptionGroup var common: CommonOptions

    func wanted() throws -> Bool { current }

    func answer(to current: Bool, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let differences = try await BudgetDifference.all(current: current, in: database)
        return CommandAnswer(
            text: differences.isEmpty ? "no difference\n" : Self.table(differences).text(for: terminal),
            json: .array(differences.map(\.json)), status: differences.isEmpty ? .ok : .failed)
    }

    private static func table(_ differences: [BudgetDifference]) -> Table {
        var table = Table([
            .init("BUCKET", .right), .init("BUDGET", isFlexible: true), .init("FROM"), .init("HELD", .right),
            .init("SHOULD BE", .right), .init("SPENT", .right), .init("SHOULD BE", .right),
        ])
        for row in differences {
            // A right amount in the colour of a wrong one would send people the wrong way.
            let held: TextStyle? = row.held == row.heldExpected ? nil : .red
            let posted: TextStyle? = row.posted == row.postedExpected ? nil : .red
            table.add([
                Table.Cell("\(row.bucket)"), Table.Cell(row.title), Table.Cell(Moment.minute(row.windowStart)),
                Table.Cell(MoneyText.dollars(row.held), held), Table.Cell(MoneyText.dollars(row.heldExpected)),
                Table.Cell(MoneyText.dollars(row.posted), posted), Table.Cell(MoneyText.dollars(row.postedExpected)),
            ])
        }
        return table
    }
}
