internal import ArgumentParser

/// `moose budget exempt`.
struct BudgetExempt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exempt",
        abstract: "See and change which agents the daily budgets don't stop.",
        discussion: """
            What an exempt agent uses is tracked apart in the days of the org and of projects, and never refused there. \
            It counts in every other budget.

            EXAMPLES
              moose budget exempt list
              moose budget exempt add planner --reason "runs once a day"
              moose budget exempt remove planner
            """,
        subcommands: [BudgetExemptList.self, BudgetExemptAdd.self, BudgetExemptRemove.self])
}
