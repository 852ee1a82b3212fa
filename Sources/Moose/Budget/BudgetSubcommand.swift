internal import ArgumentParser
internal import Postgres

/// A command that asks the ledger one thing: what is wanted is read before anything is connected, so that a mistake on
/// the command line is told first; then one answer, for people or as JSON.
protocol BudgetSubcommand: AsyncParsableCommand {
    associatedtype Wanted

    var common: CommonOptions { get }

    /// What the command line asks for.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage``.
    func wanted() throws -> Wanted

    /// Does it.
    func answer(to wanted: Wanted, from database: PostgresClient, on terminal: Terminal) async throws -> BudgetAnswer
}

extension BudgetSubcommand {
    mutating func run() async throws {
        let command = self
        try await runCommand {
            let wanted = try command.wanted()
            let answer = try await command.common.withDatabase { database in
                try await command.answer(to: wanted, from: database, on: command.common.terminal)
            }
            print(command.common.json ? try answer.jsonText() : answer.text, terminator: "")
            if answer.status != .ok { throw ExitCode(answer.status.rawValue) }
        }
    }
}
