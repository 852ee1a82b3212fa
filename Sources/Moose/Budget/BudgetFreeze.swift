internal import ArgumentParser
internal import Operations
internal import Postgres

/// `moose budget freeze`.
struct BudgetFreeze: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "freeze",
        abstract: "Stop the spending of a scope at once: the emergency brake. Asks nothing.",
        discussion: """
            From now on it is granted nothing that costs money: its work orders wait. Work that runs goes on, and free \
            work passes. Without a name, the whole org.

            EXAMPLES
              moose budget freeze --reason "prices look wrong"
              moose budget freeze --agent crawler --reason "it loops"
            """)

    @OptionGroup var scopes: BudgetScopeOptions

    @Option(help: ArgumentHelp("Why; whoever looks at the budget reads it.", valueName: "text"))
    var reason: String

    @OptionGroup var common: CommonOptions

    func wanted() throws -> BudgetFreezing {
        BudgetFreezing(
            scope: try scopes.one(), who: try Who.name(), reason: try ReasonArgument.parse(reason))
    }

    func answer(to wanted: BudgetFreezing, from database: PostgresClient, on terminal: Terminal) async throws
        -> CommandAnswer
    {
        let frozen = try await wanted.freeze(in: database)
        let scope = wanted.scope
        var text: String
        if frozen.isNew {
            text = "\(scope.shown) is frozen: nothing that costs money is granted. "
            text += "`moose budget unfreeze\(scope.shownOptions) --reason …` ends it.\n"
        } else {
            let state = frozen.state
            text = PrintableText.oneLine(
                "\(scope.title) is frozen already, since \(Moment.exact(state.since)) by \(state.who): \(state.reason)")
            text += "\n"
        }
        if !frozen.hadBudget {
            text += "It had no budget before and has one now that only tracks: check the spelling of its name.\n"
        }
        return CommandAnswer(
            text: text,
            json: [
                "scope": .string(scope.kind.rawValue), "name": .string(scope.name), "frozen": frozen.state.json,
                "changed": .bool(frozen.isNew),
            ])
    }
}
