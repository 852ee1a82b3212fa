internal import ArgumentParser

/// `moose budget reconcile`.
struct BudgetReconcile: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Check every budget against its holds and its ledger; exits with 1 on a difference.",
        discussion: """
            EXAMPLES
              moose budget reconcile
              moose budget reconcile --json
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let differences = try await common.withDatabase { try await BudgetDifference.all(in: $0) }
            if common.json {
                print(try JSONOutput.text(list: differences.map(\.json)), terminator: "")
            } else if differences.isEmpty {
                print("no difference")
            } else {
                print(table(differences).text(for: common.terminal), terminator: "")
            }
            if !differences.isEmpty { throw ExitCode(ExitStatus.failed.rawValue) }
        }
    }

    private func table(_ differences: [BudgetDifference]) -> Table {
        var table = Table([
            .init("BUCKET", .right), .init("BUDGET", isFlexible: true), .init("FROM"), .init("HELD", .right),
            .init("SHOULD BE", .right), .init("SPENT", .right), .init("SHOULD BE", .right),
        ])
        for row in differences {
            let name =
                row.scope == nil
                ? "(no policy)" : "\(row.scope == "org" ? "org" : "project \(row.name ?? "")"), \(row.period ?? "")"
            table.add([
                Table.Cell("\(row.bucket)"), Table.Cell(name), Table.Cell(Moment.exact(row.windowStart)),
                Table.Cell(MoneyText.dollars(row.held)), Table.Cell(MoneyText.dollars(row.heldExpected)),
                Table.Cell(MoneyText.dollars(row.posted)), Table.Cell(MoneyText.dollars(row.postedExpected)),
            ])
        }
        return table
    }
}
