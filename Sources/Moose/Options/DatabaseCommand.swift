internal import ArgumentParser
internal import Postgres

/// A command that asks the database one thing, or changes one thing there. What is wanted is read before anything is
/// connected, so that a mistake on the command line is told first; then one answer, for people or as JSON.
protocol DatabaseCommand: AsyncParsableCommand {
    associatedtype Wanted

    var common: CommonOptions { get }

    /// What the command line asks for.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage``.
    func wanted() throws -> Wanted

    /// Does it.
    func answer(to wanted: Wanted, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer
}

extension DatabaseCommand {
    mutating func run() async throws {
        let command = self
        try await runCommand {
            let wanted = try command.wanted()
            let answer = try await command.common.withDatabase { database in
                try await command.answer(to: wanted, from: database, on: command.common.terminal)
            }
            try answer.show(command.common)
        }
    }
}
