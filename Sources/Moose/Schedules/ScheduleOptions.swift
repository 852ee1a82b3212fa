internal import ArgumentParser
internal import Operations
internal import WorkOrders

/// Which schedule a command changes, and why.
struct ScheduleOptions: ParsableArguments {
    @Argument(help: "The name of the schedule.")
    var name: String

    @Option(help: ArgumentHelp("Why, for the audit log.", valueName: "text"))
    var reason: String?

    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage``.
    func edit() throws(CommandFailure) -> ScheduleEdit {
        do {
            _ = try FieldRule.kind.check(name, "the name of a schedule")
        } catch {
            throw CommandFailure(error.explanation, status: .usage)
        }
        return ScheduleEdit(
            name: name, who: try Who.name(),
            reason: try reason.map { text throws(CommandFailure) in try ReasonArgument.parse(text) })
    }
}

extension CronExpression {
    /// The expression of an option.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` that points at the field.
    init(argument text: String) throws(CommandFailure) {
        do throws(CronError) {
            try self.init(text)
        } catch {
            throw CommandFailure(
                PrintableText.oneLine(error.description),
                next: "The fields are minute, hour, day of month, month, day of week, such as \"30 2 * * mon-fri\"",
                status: .usage)
        }
    }
}
