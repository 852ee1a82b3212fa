internal import ArgumentParser
internal import Operations
internal import Postgres

/// `moose budget exempt add`.
struct BudgetExemptAdd: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Exempt an agent from the daily budgets of the org and of projects.",
        discussion: """
            EXAMPLES
              moose budget exempt add planner
              moose budget exempt add planner --reason "runs once a day"
            """)

    @OptionGroup var options: ExemptAgentOptions
    @OptionGroup var common: CommonOptions

    func wanted() throws -> ExemptAgentOptions.Wanted { try options.wanted() }

    func answer(to wanted: ExemptAgentOptions.Wanted, from database: PostgresClient, on terminal: Terminal) async throws
        -> CommandAnswer
    {
        let isNew = try await ExemptAgents.change(
            wanted.agent, isExempt: true, who: wanted.who, reason: wanted.reason, in: database)
        let agent = PrintableText.oneLine(wanted.agent)
        return CommandAnswer(
            text: isNew
                ? "The daily budgets of the org and of projects don't stop agent \(agent) any more; all others do.\n"
                : "Agent \(agent) is exempt already.\n",
            json: ["agent": .string(wanted.agent), "exempt": .bool(true), "changed": .bool(isNew)])
    }
}
