internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose budget raise`.
struct BudgetRaise: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "raise",
        abstract: "Raise the cap of one budget for a while.",
        discussion: """
            Work that waits for money goes on by itself. A new raise replaces the one in force; --off takes it back. \
            What was granted under it stays granted when it ends. --until takes an instant (RFC 3339), a span such as \
            90m, 2h, 3d or 1d12h, or "end of window".

            EXAMPLES
              moose budget raise --day 150 --until 2h --reason "release night"
              moose budget raise --project shop --month 400 --until "end of window" --reason "agreed with finance"
              moose budget raise --day 150 --until 2026-02-01T06:00:00+01:00 --reason "migration"
              moose budget raise --day --off --reason "done early"
            """)

    @OptionGroup var scopes: BudgetScopeOptions
    @OptionGroup var periods: BudgetPeriodOptions

    @Option(help: ArgumentHelp("When the raise ends.", valueName: "when"))
    var until: String?

    @Flag(help: "Take the raise in force back.")
    var off = false

    @Option(help: ArgumentHelp("Why, for `moose budget history`.", valueName: "text"))
    var reason: String

    @OptionGroup var common: CommonOptions

    struct Wanted {
        let raising: BudgetRaising
        /// nil takes the raise back.
        let raise: (amount: Int64, end: RaiseEnd)?
    }

    func wanted() throws -> Wanted {
        func usage(_ what: String, _ next: String) -> CommandFailure {
            CommandFailure(what, next: next, status: .usage)
        }
        let (period, amount) = try periods.one()
        let raising = BudgetRaising(
            scope: try scopes.one(), period: period, who: try Who.name(), reason: try ReasonArgument.parse(reason))
        if off {
            guard amount == nil, until == nil else {
                throw usage("--off takes no amount and no end", "Leave them out, or leave --off out")
            }
            return Wanted(raising: raising, raise: nil)
        }
        guard let amount else {
            throw usage("the amount is missing", "State it behind the period, such as --\(period.rawValue) 150")
        }
        guard let until else {
            throw usage("the end of the raise is missing", "State --until, such as 2h, 3d or \"end of window\"")
        }
        return Wanted(
            raising: raising,
            raise: (try AmountArgument.parse(amount, for: "--\(period.rawValue)"), try RaiseEnd.parse(until)))
    }

    func answer(to wanted: Wanted, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let raising = wanted.raising
        let title = "\(raising.scope.shown), \(raising.period.rawValue)"
        var json: [String: JSONValue] = [
            "scope": .string(raising.scope.kind.rawValue), "name": .string(raising.scope.name),
            "period": .string(raising.period.rawValue), "raised_usd": .null, "raised_until": .null,
        ]
        guard let (amount, end) = wanted.raise else {
            let ended = try await raising.end(in: database)
            json["cap_usd"] = .usd(ended.cap)
            return CommandAnswer(
                text: "\(title): the cap is \(MoneyText.dollars(ended.cap)) again; it was raised to "
                    + "\(MoneyText.dollars(ended.was)).\n",
                json: .object(json))
        }
        let done = try await raising.raise(to: amount, until: end, in: database)
        json["cap_usd"] = .usd(amount)
        json["raised_usd"] = .usd(amount)
        json["raised_until"] = .time(done.until)
        let span = TimeText.remaining(seconds: done.until.timeIntervalSince(Date()))
        let replaced = done.replaced.map { " This replaces the raise to \(MoneyText.dollars($0))." } ?? ""
        return CommandAnswer(
            text: "\(title): the cap is \(MoneyText.dollars(amount)) instead of \(MoneyText.dollars(done.cap)) "
                + "until \(done.local) \(done.timeZone) (\(span)).\(replaced)\n",
            json: .object(json))
    }
}
