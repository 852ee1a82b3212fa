internal import ArgumentParser
internal import WorkOrders

/// Which agent is added or removed, and why.
struct ExemptAgentOptions: ParsableArguments {
    @Argument(help: "The name of the agent.")
    var agent: String

    @Option(help: ArgumentHelp("Why, for `moose budget history`.", valueName: "text"))
    var reason: String?

    struct Wanted {
        let agent: String
        let who: String
        let reason: String?
    }

    func wanted() throws(CommandFailure) -> Wanted {
        do {
            _ = try FieldRule.text(200).check(agent, "the agent's name")
        } catch {
            throw CommandFailure(error.explanation, status: .usage)
        }
        return Wanted(
            agent: agent, who: try Who.name(),
            reason: try reason.map { text throws(CommandFailure) in try ReasonArgument.parse(text) })
    }
}
