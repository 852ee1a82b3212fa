internal import ArgumentParser
internal import Operations

/// Which period a budget is for, and the amount right behind it.
struct BudgetPeriodOptions: ParsableArguments {
    @Option(defaultAsFlag: "", help: ArgumentHelp("The budget of a day.", valueName: "usd"))
    var day: String?

    @Option(defaultAsFlag: "", help: ArgumentHelp("The budget of a month.", valueName: "usd"))
    var month: String?

    @Option(defaultAsFlag: "", help: ArgumentHelp("The budget of all time.", valueName: "usd"))
    var total: String?

    /// The period, and the amount as it was typed; nil when there is none.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` unless exactly one is named.
    func one() throws(CommandFailure) -> (period: BudgetPeriod, amount: String?) {
        let named = [(BudgetPeriod.day, day), (.month, month), (.total, total)].compactMap { period, amount in
            amount.map { (period: period, amount: $0.isEmpty ? nil : $0) }
        }
        guard let first = named.first, named.count == 1 else {
            throw CommandFailure(
                named.isEmpty ? "the period is missing" : "only one period at a time",
                next: "State one of --day, --month and --total", status: .usage)
        }
        return first
    }
}
