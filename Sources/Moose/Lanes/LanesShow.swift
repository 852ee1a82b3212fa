internal import ArgumentParser
internal import Operations
internal import Postgres
internal import Settings

/// `moose lanes show`.
struct LanesShow: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one lane: what was set for it, what runs, what waits and since when, and who works it.",
        discussion: """
            What waits is what is registered. A message is that some seconds after it was published, unless a slot is \
            free for it at once, as long as a worker of the lane or a Client Manager runs.

            EXAMPLES
              moose lanes show llm
              moose lanes show llm --json | jq .oldest_due
            """)

    @OptionGroup var lane: LaneNameArgument
    @OptionGroup var common: CommonOptions

    func wanted() throws -> String { try lane.name() }

    func answer(to wanted: String, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let lane = try await LaneDetail.find(wanted, in: database)
        return CommandAnswer(text: text(lane, terminal), json: lane.json)
    }

    private func text(_ lane: LaneDetail, _ terminal: Terminal) -> String {
        var facts = FactList()
        facts.add("weight", lane.settings.weight.map(String.init) ?? "of moose.yaml")
        facts.add("at once", lane.settings.concurrency.map { "at most \(NumberText.grouped($0))" } ?? "no limit")
        facts.add("rate", lane.settings.rate.map { "at most \($0)" } ?? "none")
        if let since = lane.settings.pausedAt {
            facts.add(
                "paused",
                "\(Moment.ago(since)), at \(Moment.exact(since)), by \(lane.settings.pausedBy ?? "?"): \(lane.settings.pausedWhy ?? "")",
                .yellow)
        } else {
            facts.add("paused", "no")
        }
        facts.add("running", NumberText.grouped(lane.running))
        facts.add(
            "waiting",
            lane.waiting.isEmpty
                ? "nothing" : lane.waiting.map { "\(Self.counted($0.count)) \($0.state)" }.joined(separator: ", "))
        facts.add("oldest due", lane.oldestDue.map { "\(Moment.ago($0)), at \(Moment.exact($0))" })
        facts.add("held back", lane.held > 0 ? "\(Self.counted(lane.held)), by its pause or its limits" : nil, .yellow)
        for worker in lane.workers {
            facts.add(
                "worker",
                "\(worker.host), process \(worker.pid): \(worker.state), "
                    + "\(worker.running) of \(worker.slots) slots busy",
                worker.isAlive ? nil : .red)
        }
        if lane.workers.isEmpty { facts.add("worker", "none serves it", lane.untended == nil ? nil : .red) }
        if let untended = lane.untended {
            facts.add(
                "untended",
                untended.load + (untended.since.map { ", since \(Moment.exact($0))" } ?? ", seen just now"), .red)
        }
        return terminal.styled("The lane \(lane.name)", .bold) + "\n" + facts.text(for: terminal)
    }

    private static func counted(_ count: Int) -> String {
        NumberText.grouped(count) + (count >= LaneDetail.mostCounted ? " or more" : "")
    }
}
