internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose budget show`.
struct BudgetShow: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show every budget in force: spent, held, its limits, and how long it lasts.",
        discussion: """
            The bar shows what is spent, what is held for running work, and the limits: beyond soft people are warned, \
            beyond hard only the cheapest handlers run, beyond kill nothing is granted. With names, only their budgets.

            EXAMPLES
              moose budget show
              moose budget show --project shop --agent crawler
              moose budget show --json | jq -r '.[] | [.name, .period, .free_usd] | @tsv'
            """)

    @OptionGroup var scopes: BudgetScopeOptions
    @OptionGroup var common: CommonOptions

    func wanted() throws -> [BudgetScope] { try scopes.named() }

    func answer(to wanted: [BudgetScope], from database: PostgresClient, on terminal: Terminal) async throws
        -> CommandAnswer
    {
        let lines = try await BudgetLine.current(of: wanted.isEmpty ? nil : wanted, in: database)
        let now = Date()
        var parts = lines.map { Self.text($0, at: now, on: terminal) }
        for scope in wanted.isEmpty ? [.org] : wanted
        where !lines.contains(where: { $0.scope == scope.kind.rawValue && $0.name == scope.name }) {
            parts.append(Self.missing(scope))
        }
        return CommandAnswer(text: parts.joined(separator: "\n"), json: .array(lines.map(\.json)))
    }

    private static func missing(_ scope: BudgetScope) -> String {
        (scope.kind == .org ? "The org has no budget: no work is granted." : "There is no budget of \(scope.shown).")
            + " Set one with `moose budget set\(scope.shownOptions) --day 100`.\n"
    }

    /// One budget as a few lines.
    static func text(_ line: BudgetLine, at now: Date, on terminal: Terminal) -> String {
        var text = terminal.styled(line.title, .bold)
        if let mode = line.mode { text += "  " + terminal.styled(mode.text, mode.style) }
        text += "\n"
        if line.limits != BudgetLimits() {
            text += "  \(line.bar.text(width: min(60, terminal.width - 4), for: terminal))\n"
        }
        text += "  \(line.use)\(line.freeMicroUSD.map { ", \(MoneyText.dollars($0)) free" } ?? "")\n"
        let marks = BudgetBar.marks(for: terminal)
        let limits = [
            (marks.soft, "soft", line.limits.soft), (marks.hard, "hard", line.limits.hard),
            (marks.kill, "kill", line.limits.kill), (marks.raised, "raised", line.raisedMicroUSD),
        ].compactMap { mark, name, value in value.map { "\(mark) \(name) \(MoneyText.dollars($0))" } }
        if !limits.isEmpty { text += "  \(limits.joined(separator: "  "))\n" }
        func left(_ date: Date) -> String { TimeText.remaining(seconds: date.timeIntervalSince(now)) }
        if let until = line.raisedUntil {
            text += "  the raise ends in \(left(until))\(line.local.raisedUntil.map { ", \($0)" } ?? "")\n"
        }
        if line.exemptMicroUSD != 0 {
            text += "  exempt agents used \(MoneyText.dollars(line.exemptMicroUSD)) besides\n"
        }
        if let burn = line.burn(at: now) { text += "  \(burn)\n" }
        if let end = line.local.windowEnd {
            text += "  starts anew in \(left(line.windowEnd)), \(end) \(PrintableText.oneLine(line.timeZone))\n"
        }
        if let freeze = line.freeze {
            let ago = TimeText.relative(secondsAgo: now.timeIntervalSince(freeze.since))
            text += "  " + PrintableText.oneLine("frozen \(ago) by \(freeze.who): \(freeze.reason)") + "\n"
        }
        return text
    }
}
