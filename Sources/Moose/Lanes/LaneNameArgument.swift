internal import ArgumentParser
internal import WorkOrders

/// The lane a command is about.
struct LaneNameArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The lane.", valueName: "lane"))
    var lane: String

    /// The name.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` where no lane can have it.
    func name() throws(CommandFailure) -> String {
        do {
            return try FieldRule.lane.check(lane, "the lane's name")
        } catch {
            throw CommandFailure(error.explanation, status: .usage)
        }
    }
}
