internal import ArgumentParser

/// `moose budget show`.
struct BudgetShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show every budget in force: spent, held, and its limits.",
        discussion: """
            The bar shows what is spent, what is held for running work, and the soft, hard and kill limits.

            EXAMPLES
              moose budget show
              moose budget show --json | jq -r '.[] | [.name, .period, .free_usd] | @tsv'
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let lines = try await common.withDatabase { try await BudgetLine.current(in: $0) }
            if common.json {
                print(try JSONOutput.text(list: lines.map(\.json)), terminator: "")
            } else if lines.isEmpty {
                print("No budgets: no work with a price is granted. Set one with `moose budget set --day 100`.")
            } else {
                print(lines.map(text).joined(separator: "\n"), terminator: "")
            }
        }
    }

    private func text(_ line: BudgetLine) -> String {
        let terminal = common.terminal
        let limits = [("soft", line.limits.soft), ("hard", line.limits.hard), ("kill", line.limits.kill)]
        let named = limits.compactMap { name, value in value.map { "\(name) \(MoneyText.dollars($0))" } }
        let free = line.freeMicroUSD.map { ", \(MoneyText.dollars($0)) free" } ?? ""
        return terminal.styled(PrintableText.oneLine(line.title), .bold) + "\n"
            + "  \(line.bar.text(width: min(60, terminal.width - 4), for: terminal))\n"
            + "  \(line.use)\(free)\n"
            + "  \(named.joined(separator: ", ")); until \(Moment.exact(line.windowEnd))\n"
    }
}
