internal import ArgumentParser
internal import Operations
internal import Postgres

/// `moose budget exempt list`.
struct BudgetExemptList: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the agents the daily budgets don't stop.",
        discussion: """
            EXAMPLES
              moose budget exempt list
              moose budget exempt list --json
            """)

    @OptionGroup var common: CommonOptions

    func wanted() throws {}

    func answer(to wanted: Void, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let agents = try await ExemptAgents.all(in: database)
        let text = agents.map { PrintableText.oneLine($0) + "\n" }.joined()
        return CommandAnswer(
            text: agents.isEmpty ? "No agent is exempt: the daily budgets hold for all.\n" : text,
            json: .array(agents.map(JSONValue.string)))
    }
}
