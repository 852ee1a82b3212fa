internal import ArgumentParser

/// `moose budget`.
struct BudgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "budget",
        abstract: "See and set what work may cost.",
        discussion: """
            Budgets are of the org, a project, an agent, a handler or a model: --project, --agent, --handler or --model \
            with a name says which; none of them is the org. Each change is kept with who made it ($MOOSE_WHO, else \
            user@host), when, and why.

            EXAMPLES
              moose budget show
              moose budget set --project shop --day 25
              moose budget raise --day 150 --until 2h --reason "release night"
              moose budget freeze --agent crawler --reason "loops"
              moose budget simulate --usd 12.50 --project shop
            """,
        subcommands: [
            BudgetShow.self, BudgetSet.self, BudgetRaise.self, BudgetFreeze.self, BudgetUnfreeze.self,
            BudgetExempt.self, BudgetHistory.self, BudgetSimulate.self, BudgetReconcile.self, BudgetCorrect.self,
            BudgetPrune.self,
        ])
}
