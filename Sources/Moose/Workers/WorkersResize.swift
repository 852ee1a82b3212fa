internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres
internal import Worker

/// `moose workers resize`.
struct WorkersResize: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "resize",
        abstract: "Change how many jobs of a lane workers run at once, while they run.",
        discussion: """
            More slots take work at once. With fewer, running jobs end in their own time. It lasts until the worker ends.

            EXAMPLES
              moose workers resize 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e --lane llm:8
              moose workers resize --all --lane llm:2 --reason "the provider is slow"
            """)

    @OptionGroup var workers: WorkerChoiceOptions

    @Option(name: .customLong("lane"), help: ArgumentHelp("The lane and its slots.", valueName: "name:slots"))
    var size: String

    @Option(help: ArgumentHelp("Why; the audit log keeps it.", valueName: "text"))
    var reason: String?

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard size.contains(":") else { throw ValidationError("--lane wants NAME:SLOTS, such as llm:8.") }
        do {
            _ = try LaneArgument(parsing: size)
        } catch {
            throw ValidationError("--lane \(PrintableText.oneLine(size)): \(error.message).")
        }
    }

    /// What is asked for.
    struct Wanted {
        let order: WorkerOrder
        let workers: WorkerChoice
        let lane: WorkerConfiguration.Lane
    }

    func wanted() throws -> Wanted {
        let order = WorkerOrder(who: try Who.name(), reason: try reason.map { try ReasonArgument.parse($0) })
        return Wanted(order: order, workers: try workers.choice(), lane: try LaneArgument(parsing: size).lane)
    }

    func answer(to wanted: Wanted, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let lane = wanted.lane
        let chosen = try await WorkerChoiceOptions.living(wanted.workers, in: database)
        let told = try await wanted.order.resize(chosen, lane: lane.name, slots: lane.slots, in: database)
        guard !told.isEmpty else {
            throw CommandFailure(
                "none of these workers works the lane \(lane.name)",
                next: "`moose workers list` shows their lanes", status: .refused)
        }
        return CommandAnswer(
            text: "Told \(told.count) to give \(lane.name) \(lane.slots) slots.\n",
            json: [
                "workers": .array(told.map(JSONValue.id)), "lane": .string(lane.name), "slots": .count(lane.slots),
            ])
    }
}
