internal import ArgumentParser
internal import Operations
internal import Postgres

/// `moose budget unfreeze`.
struct BudgetUnfreeze: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "unfreeze",
        abstract: "Let a frozen scope spend again.",
        discussion: """
            Its work orders go on by themselves, the oldest first. Without a name, the whole org.

            EXAMPLES
              moose budget unfreeze --reason "prices corrected"
              moose budget unfreeze --agent crawler --reason "fixed in 1.4.2"
            """)

    @OptionGroup var scopes: BudgetScopeOptions

    @Option(help: ArgumentHelp("Why, for `moose budget history`.", valueName: "text"))
    var reason: String

    @OptionGroup var common: CommonOptions

    func wanted() throws -> BudgetFreezing {
        BudgetFreezing(
            scope: try scopes.one(), who: try Who.name(), reason: try ReasonArgument.parse(reason))
    }

    func answer(to wanted: BudgetFreezing, from database: PostgresClient, on terminal: Terminal) async throws
        -> CommandAnswer
    {
        try await wanted.unfreeze(in: database)
        return CommandAnswer(
            text: "\(wanted.scope.shown) is no longer frozen: its work goes on within its budgets.\n",
            json: [
                "scope": .string(wanted.scope.kind.rawValue), "name": .string(wanted.scope.name), "frozen": .null,
                "changed": .bool(true),
            ])
    }
}
