internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose workers drain`.
struct WorkersDrain: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Have workers take no new work, end what runs, and exit.",
        discussion: """
            As with SIGTERM: what still runs after worker.drain_timeout_seconds is interrupted without burning an \
            attempt and goes on elsewhere. `moose worker --processes` does not start a drained copy again; a service \
            manager of your own may.

            EXAMPLES
              moose workers drain 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e --reason "leaks memory"
              moose workers drain --host build-7 --reason "kernel update"
            """)

    @OptionGroup var workers: WorkerChoiceOptions

    @Option(help: ArgumentHelp("Why; the worker logs it.", valueName: "text"))
    var reason: String

    @OptionGroup var common: CommonOptions

    /// What is asked for.
    struct Wanted {
        let order: WorkerOrder
        let workers: WorkerChoice
    }

    func wanted() throws -> Wanted {
        let order = WorkerOrder(who: try Who.name(), reason: try ReasonArgument.parse(reason))
        return Wanted(order: order, workers: try workers.choice())
    }

    func answer(to wanted: Wanted, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let chosen = try await WorkerChoiceOptions.living(wanted.workers, in: database)
        let told = try await wanted.order.drain(chosen, in: database)
        let before = chosen.count - told
        return CommandAnswer(
            text: "Told \(told) to drain" + (before > 0 ? "; \(before) were told before.\n" : ".\n"),
            json: ["workers": .array(chosen.map(JSONValue.id)), "newly_told": .count(told)])
    }
}
