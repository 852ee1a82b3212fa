internal import ArgumentParser
internal import FoundationEssentials
internal import Operations

/// `moose workers drain`.
struct WorkersDrain: AsyncParsableCommand {
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

    func run() async throws {
        try await runCommand {
            let order = WorkerOrder(who: try Who.name(), reason: try ReasonArgument.parse(reason))
            let choice = try workers.choice()
            let (chosen, told) = try await common.withDatabase { database in
                let chosen = try await WorkerChoiceOptions.living(choice, in: database)
                return (chosen, try await order.drain(chosen, in: database))
            }
            if common.json {
                let fields: JSONValue = ["workers": .array(chosen.map(JSONValue.id)), "newly_told": .count(told)]
                print(try JSONOutput.text(fields), terminator: "")
            } else {
                let before = chosen.count - told
                print("Told \(told) to drain" + (before > 0 ? "; \(before) were told before." : "."))
            }
        }
    }
}
