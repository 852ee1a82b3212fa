internal import ArgumentParser
internal import Operations
internal import Postgres

/// `moose budget exempt remove`.
struct BudgetExemptRemove: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Hold an exempt agent to the daily budgets again.",
        discussion: """
            EXAMPLES
              moose budget exempt remove planner
              moose budget exempt remove planner --reason "it got expensive"
            """)

    @OptionGroup var options: ExemptAgentOptions
    @OptionGroup var common: CommonOptions

    func wanted() throws -> ExemptAgentOptions.Wanted { try options.wanted() }

    func answer(to wanted: ExemptAgentOptions.Wanted, from database: PostgresClient, on terminal: Terminal) async throws
        -> CommandAnswer
    {
        let isGone = try await ExemptAgents.change(
            wanted.agent, isExempt: false, who: wanted.who, reason: wanted.reason, in: database)
        let agent = PrintableText.oneLine(wanted.agent)
        guard isGone else {
            throw CommandFailure(
                "agent \(agent) is not exempt", next: "`moose budget exempt list` shows who is", status: .refused)
        }
        return CommandAnswer(
            text: "The daily budgets hold for agent \(agent) again. What it used as exempt stays tracked apart.\n",
            json: ["agent": .string(wanted.agent), "exempt": .bool(false), "changed": .bool(true)])
    }
}
