internal import ArgumentParser
internal import Operations
internal import Postgres

/// `moose budget set`.
struct BudgetSet: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set the limits of one budget, or create it.",
        discussion: """
            --day, --month and --total say which period; an amount right behind them is its kill limit. Limits that \
            aren't named stay; they must rise from soft over hard to kill. Beyond soft people are warned, beyond hard \
            only the cheapest handlers run, beyond kill (or hard, where there is no kill) nothing is granted. Work that \
            waits for money goes on by itself. With --time-zone another window may start: the command says so.

            EXAMPLES
              moose budget set --day 100
              moose budget set --day --soft 20 --hard 50 --kill 100 --time-zone Europe/Berlin
              moose budget set --project shop --month 250 --hard none --reason "new quarter"
              moose budget set --model claude-opus --day 40
            """)

    @OptionGroup var scopes: BudgetScopeOptions
    @OptionGroup var periods: BudgetPeriodOptions

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Beyond it people are warned; none removes it.", valueName: "usd"))
    var soft: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Beyond it only the cheapest handlers run; none removes it.", valueName: "usd"))
    var hard: String?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Beyond it nothing is granted; none removes it.", valueName: "usd"))
    var kill: String?

    @Option(help: ArgumentHelp("Where its days and months begin, such as Europe/Berlin.", valueName: "zone"))
    var timeZone: String?

    @Option(help: ArgumentHelp("Why, for `moose budget history`.", valueName: "text"))
    var reason: String?

    @OptionGroup var common: CommonOptions

    func wanted() throws -> BudgetPolicyEdit {
        func usage(_ what: String) -> CommandFailure {
            CommandFailure(what, next: "See `moose budget set --help`", status: .usage)
        }
        let (period, amount) = try periods.one()
        if amount != nil, kill != nil { throw usage("the kill limit is stated twice") }
        let killText = amount ?? kill
        guard killText != nil || soft != nil || hard != nil || timeZone != nil else {
            throw usage("no limit is stated")
        }
        if timeZone != nil, period == .total { throw usage("a total budget never starts anew, so it has no time zone") }
        return BudgetPolicyEdit(
            scope: try scopes.one(), period: period, soft: try Self.change(soft, "--soft"),
            hard: try Self.change(hard, "--hard"), kill: try Self.change(killText, "--kill"), timeZone: timeZone,
            who: try Who.name(),
            reason: try reason.map { text throws(CommandFailure) in try ReasonArgument.parse(text) })
    }

    func answer(to edit: BudgetPolicyEdit, from database: PostgresClient, on terminal: Terminal) async throws
        -> CommandAnswer
    {
        let done = try await edit.apply(in: database)
        var text = "\(edit.scope.shown), \(edit.period.rawValue): \(done.new.limits.text)"
        if edit.period != .total { text += "; \(done.new.timeZone)" }
        if done.new.limits.cap == nil { text += " (no cap: it only tracks)" }
        if done.old == done.new { text += ". It was so before.\n" } else { text += ".\n" }
        if let old = done.old, old != done.new {
            text += "It was: \(old.limits.text)\(edit.period == .total ? "" : "; \(old.timeZone)").\n"
            text += done.shift?.text(from: old.timeZone, to: done.new.timeZone) ?? ""
        }
        let limits = done.new.limits
        return CommandAnswer(
            text: text,
            json: [
                "scope": .string(edit.scope.kind.rawValue), "name": .string(edit.scope.name),
                "period": .string(edit.period.rawValue), "soft_usd": .usd(limits.soft), "hard_usd": .usd(limits.hard),
                "kill_usd": .usd(limits.kill), "time_zone": .string(done.new.timeZone),
                "changed": .bool(done.old != done.new), "window_shift": done.shift?.json ?? .null,
            ])
    }

    private static func change(_ text: String?, _ option: String) throws -> BudgetPolicyEdit.Change {
        guard let text else { return .keep }
        return text == "none" ? .clear : .set(try AmountArgument.parse(text, for: option))
    }
}
