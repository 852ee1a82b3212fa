internal import ArgumentParser
internal import Operations
internal import Postgres

/// `moose budget history`.
struct BudgetHistory: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show what past windows used, and who changed what when and why.",
        discussion: """
            The cap of a window is the highest that was in force in it. With names, only their budgets.

            EXAMPLES
              moose budget history
              moose budget history --project shop --days 90
              moose budget history --json | jq -r '.changes[] | [.at, .who, .action, .subject, .reason] | @tsv'
            """)

    @OptionGroup var scopes: BudgetScopeOptions

    @Option(parsing: .unconditional, help: ArgumentHelp("How far back, from 1 to 4000 days.", valueName: "n"))
    var days = 14

    @OptionGroup var list: ListLimit
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (1...4_000).contains(days) else { throw ValidationError("--days goes from 1 to 4000.") }
    }

    func wanted() throws -> [BudgetScope] { try scopes.named() }

    func answer(to wanted: [BudgetScope], from database: PostgresClient, on terminal: Terminal) async throws
        -> CommandAnswer
    {
        let limit = list.limit
        let windows = try await BudgetWindowUse.newest(of: wanted, days: days, limit: limit, in: database)
        let changes = try await BudgetChange.newest(of: wanted, days: days, limit: limit, in: database)
        func more(_ count: Int) -> String { count == limit ? "The newest \(limit); --limit shows more.\n" : "" }
        var text =
            windows.isEmpty
            ? "No budget was used in the last \(days) days.\n" : Self.table(windows).text(for: terminal)
        text += more(windows.count) + "\n"
        text +=
            changes.isEmpty
            ? "No changes in the last \(days) days.\n"
            : changes.map { Self.text($0, on: terminal) }.joined(separator: "\n") + more(changes.count)
        return CommandAnswer(
            text: text,
            json: ["windows": .array(windows.map(\.json)), "changes": .array(changes.map(\.json))])
    }

    private static func table(_ windows: [BudgetWindowUse]) -> Table {
        let showsExempt = windows.contains { $0.exempt != 0 }
        var table = Table(
            [
                .init("WINDOW"), .init("BUDGET", isFlexible: true), .init("SPENT", .right), .init("HELD", .right),
                .init("CAP", .right),
            ] + (showsExempt ? [.init("EXEMPT", .right)] : []))
        for window in windows {
            let isOver = window.cap.map { window.posted >= $0 } ?? false
            table.add([
                Table.Cell((window.label ?? "all time") + (window.isRunning && window.label != nil ? " so far" : "")),
                Table.Cell("\(BudgetScope.title(window.scope, window.name)), \(window.period)"),
                Table.Cell(MoneyText.dollars(window.posted), isOver ? .red : nil),
                Table.Cell(MoneyText.dollars(window.held)),
                Table.Cell(window.cap.map(MoneyText.dollars) ?? "none"),
                Table.Cell(MoneyText.dollars(window.exempt)),
            ])
        }
        return table
    }

    /// One change: when and who, what, why.
    static func text(_ change: BudgetChange, on terminal: Terminal) -> String {
        let arrow = terminal.hasUnicode ? "→" : "->"
        let reason = change.reason.map { "  why: \(PrintableText.oneLine($0))\n" } ?? ""
        return terminal.styled(Moment.exact(change.at), .dim) + "  \(PrintableText.oneLine(change.who))\n"
            + "  " + terminal.styled(change.title, .bold) + ": \(PrintableText.oneLine(change.text(arrow: arrow)))\n"
            + reason
    }
}
