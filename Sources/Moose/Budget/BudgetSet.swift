internal import ArgumentParser
internal import WorkOrders

/// `moose budget set`.
struct BudgetSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set the limits of one budget.",
        discussion: """
            --day and --month say which period; an amount right behind them is its kill limit. Limits that aren't named \
            stay; they must rise from soft over hard to kill. Soft and hard only mark a grant's \
            status so far; at kill (or hard, where there is no kill) nothing more is granted. Work that waits for money goes on by itself.

            EXAMPLES
              moose budget set --day 100
              moose budget set --day --soft 20 --hard 50 --kill 100
              moose budget set --project shop --month 250 --hard none
            """)

    enum Scope: String, ExpressibleByArgument, CaseIterable { case org, project }

    @Option(help: "Whose budget (default: org, or project where --project is given).")
    var scope: Scope?

    @Option(help: ArgumentHelp("The project.", valueName: "name"))
    var project: String?

    @Option(defaultAsFlag: "", help: ArgumentHelp("A day's budget; with an amount, its kill limit.", valueName: "usd"))
    var day: String?

    @Option(
        defaultAsFlag: "", help: ArgumentHelp("A month's budget; with an amount, its kill limit.", valueName: "usd"))
    var month: String?

    @Option(help: ArgumentHelp("From here on grants are marked soft; none removes it.", valueName: "usd"))
    var soft: String?

    @Option(help: ArgumentHelp("From here on grants are marked economy; none removes it.", valueName: "usd"))
    var hard: String?

    @Option(help: ArgumentHelp("From here on nothing is granted; none removes it.", valueName: "usd"))
    var kill: String?

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let edit = try edit()
            let limits = try await common.withDatabase { try await edit.apply(in: $0) }
            if common.json {
                let answer: JSONValue = [
                    "scope": .string(edit.scope), "name": .string(edit.name), "period": .string(edit.period),
                    "soft_usd": .usd(limits.soft), "hard_usd": .usd(limits.hard), "kill_usd": .usd(limits.kill),
                ]
                print(try JSONOutput.text(answer), terminator: "")
            } else {
                func shown(_ value: Int64?) -> String { value.map(MoneyText.dollars) ?? "none" }
                let whose = edit.scope == "org" ? "org" : PrintableText.oneLine("project \(edit.name)")
                let text = "\(whose), \(edit.period): "
                print(
                    text
                        + "soft \(shown(limits.soft)), hard \(shown(limits.hard)), kill \(shown(limits.kill)).")
            }
        }
    }

    private func edit() throws -> BudgetPolicyEdit {
        func usage(_ what: String) -> CommandFailure {
            CommandFailure(what, next: "See `moose budget set --help`", status: .usage)
        }
        guard (day == nil) != (month == nil) else { throw usage("state one of --day and --month") }
        let amount = day ?? month ?? ""
        if !amount.isEmpty, kill != nil { throw usage("the kill limit is stated twice") }
        let killText = amount.isEmpty ? kill : amount
        guard killText != nil || soft != nil || hard != nil else { throw usage("no limit is stated") }
        let scope = scope ?? (project == nil ? .org : .project)
        guard (scope == .project) == (project != nil) else {
            throw usage(scope == .org ? "--project contradicts --scope org" : "--scope project needs --project NAME")
        }
        if let project {
            do { _ = try FieldRule.text(200).check(project, "--project") } catch { throw usage(error.explanation) }
        }
        return BudgetPolicyEdit(
            scope: scope.rawValue, name: project ?? "org", period: day == nil ? "month" : "day",
            soft: try change(soft, "--soft"), hard: try change(hard, "--hard"), kill: try change(killText, "--kill"))
    }

    private func change(_ text: String?, _ option: String) throws -> BudgetPolicyEdit.Change {
        guard let text else { return .keep }
        if text == "none" { return .clear }
        guard let amount = MicroUSD(decimal: text) else {
            throw CommandFailure(
                "“\(PrintableText.truncated(PrintableText.oneLine(text), to: 40))” is no amount for \(option)",
                why: "Amounts are plain dollars up to 1000000000, such as 20 or 0.5", status: .usage)
        }
        return .set(amount.microdollars)
    }
}
