internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// Ids, one host, or all.
struct WorkerChoiceOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The ids of the workers.", valueName: "id"))
    var identifiers: [String] = []

    @Option(help: ArgumentHelp("Every worker of this host, as `moose workers list` names it.", valueName: "name"))
    var host: String?

    @Flag(help: "Every worker.")
    var all = false

    func validate() throws {
        guard [!identifiers.isEmpty, host != nil, all].count(where: { $0 }) == 1 else {
            throw ValidationError("State ids, --host or --all: one of them.")
        }
    }

    func choice() throws -> WorkerChoice {
        if all { return .all }
        if let host { return .host(host) }
        return .ids(
            try identifiers.map { try IdentifierArgument.parse($0, of: "a worker", listedBy: "moose workers list") })
    }

    /// Those of them that live.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/refused`` when one was named that doesn't, or there is none.
    static func living(_ choice: WorkerChoice, in database: PostgresClient) async throws -> [UUID] {
        let living = try await choice.living(in: database)
        if case .ids(let ids) = choice, let gone = ids.first(where: { !living.contains($0) }) {
            throw CommandFailure(
                "no worker \(gone.uuidString.lowercased()) lives", next: "`moose workers list` shows who does",
                status: .refused)
        }
        guard !living.isEmpty else {
            throw CommandFailure(
                "no such worker lives", next: "`moose workers list` shows who does", status: .refused)
        }
        return living
    }
}
