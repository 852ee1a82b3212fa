internal import ArgumentParser

/// `moose budget`.
struct BudgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "budget",
        abstract: "See and set what work may cost.",
        discussion: """
            EXAMPLES
              moose budget show
              moose budget set --day 100
              moose budget reconcile
            """,
        subcommands: [BudgetShow.self, BudgetSet.self, BudgetReconcile.self])
}
