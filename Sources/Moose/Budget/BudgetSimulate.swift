internal import ArgumentParser
internal import Operations
internal import Postgres

/// `moose budget simulate`.
struct BudgetSimulate: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Ask what a reservation would be told now; exits with 1 when it would be refused. Takes nothing.",
        discussion: """
            Names say whose budgets it would count against, besides the org's.

            EXAMPLES
              moose budget simulate --usd 12.50
              moose budget simulate --usd 0.40 --project shop --agent crawler --handler summarise --model claude-opus
              moose budget simulate --usd 5 --project shop --json | jq -r .reason
            """)

    @Option(parsing: .unconditional, help: ArgumentHelp("The estimate.", valueName: "amount"))
    var usd: String

    @OptionGroup var scopes: BudgetScopeOptions
    @OptionGroup var common: CommonOptions

    func wanted() throws -> BudgetPath {
        _ = try scopes.named()
        return BudgetPath(
            estimate: try AmountArgument.parse(usd, for: "--usd"), project: scopes.project, agent: scopes.agent,
            handler: scopes.handler, model: scopes.model)
    }

    func answer(to wanted: BudgetPath, from database: PostgresClient, on terminal: Terminal) async throws
        -> CommandAnswer
    {
        let budgets = try await BudgetSimulation.run(wanted, in: database)
        guard budgets.contains(where: { $0.scope == BudgetScope.Kind.org.rawValue }) else {
            throw CommandFailure(
                "the org has no budget, so nothing is granted", next: "Set one with `moose budget set --day 100`",
                status: .refused)
        }
        let overall = BudgetSimulation.overall(budgets)
        let isRefused = BudgetSimulation.isRefusal(overall)
        let verdict =
            "\(MoneyText.dollars(wanted.estimate)) would be \(isRefused ? "refused" : "granted"): \(Self.meaning(overall))"
        return CommandAnswer(
            text: terminal.styled(verdict, isRefused ? .red : overall == "normal" ? .green : .yellow) + "\n"
                + Self.table(budgets).text(for: terminal),
            json: [
                "granted": .bool(!isRefused), "status": .string(isRefused ? "refused" : overall),
                "reason": isRefused ? .string(overall) : .null, "budgets": .array(budgets.map(\.json)),
            ], status: isRefused ? .failed : .ok)
    }

    private static func table(_ budgets: [BudgetSimulation]) -> Table {
        var table = Table([
            .init("BUDGET", isFlexible: true), .init("USED", .right), .init("CAP", .right), .init("ANSWER"),
        ])
        for budget in budgets {
            let style: TextStyle? =
                BudgetSimulation.isRefusal(budget.answer) ? .red : budget.answer == "normal" ? nil : .yellow
            table.add([
                Table.Cell("\(BudgetScope.title(budget.scope, budget.name)), \(budget.period)"),
                Table.Cell(MoneyText.dollars(budget.used)),
                Table.Cell(budget.isExempt ? "exempt" : budget.cap.map(MoneyText.dollars) ?? "none"),
                Table.Cell(budget.answer, style),
            ])
        }
        return table
    }

    /// What an answer means for the work.
    static func meaning(_ answer: String) -> String {
        switch answer {
        case "normal": "it fits all budgets"
        case "soft": "it passes a soft limit, so people are warned"
        case "economy": "it passes a hard limit, so the cheapest handlers run"
        case "held_retry": "it would fit if running work gave back what it holds; the work waits for that"
        case "spent": "the money is spent; the work waits for the next window or a raise"
        case "frozen": "a budget is frozen; the work waits until it is unfrozen"
        case "never_fits": "it is above a cap; the work fails"
        default: answer
        }
    }
}
