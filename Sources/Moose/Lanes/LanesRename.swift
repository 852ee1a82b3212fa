internal import AMQP
internal import ArgumentParser
internal import Messaging
internal import Operations
internal import Publisher

/// `moose lanes rename`.
struct LanesRename: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename",
        abstract: "Move what waits in a lane, and what was set for it, to another name.",
        discussion: """
            For a lane that is called otherwise in moose.yaml now: name the new one there, run `moose topology apply`, \
            start a worker for it, then rename. What runs stays as it is. Messages that are still in the old lane's \
            queue are not in the database: it says how many there are and what to do. It can be interrupted and run \
            again at any time.

            EXAMPLES
              moose lanes rename llm models --reason "moose.yaml calls it models now"

            It exits with 4 when the new lane has no queue or settings of its own, with 1 when something that \
            somebody held the whole time still waits in the old lane.
            """)

    @Argument(help: ArgumentHelp("The lane as it was called.", valueName: "old"))
    var old: String

    @Argument(help: ArgumentHelp("Its new name; it must have a queue.", valueName: "new"))
    var new: String

    @Option(help: ArgumentHelp("Why, for the audit log.", valueName: "text"))
    var reason: String

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let rename = try wanted()
            var queued: Int?
            try await TopologyAccess.withPublisher(try common.settings()) { publisher in
                guard try await publisher.queueExists(MooseTopology.workQueue(lane: rename.new)) else {
                    throw UnknownLane(lane: rename.new)
                }
                queued = try await publisher.queueStatistics(MooseTopology.workQueue(lane: rename.old))?.messages
            }
            let answer = try await common.withDatabase { database in
                Self.answer(
                    rename, try await rename.run(queueIsEmpty: queued ?? 0 == 0, in: database), queued: queued)
            }
            try answer.show(common)
        }
    }

    /// What the command line asks for.
    func wanted() throws -> LaneRename {
        try LaneRename(old: old, new: new, who: try Who.name(), reason: try ReasonArgument.parse(reason))
    }

    /// - Parameter queued: messages in the old lane's queue; nil: it has none.
    static func answer(_ rename: LaneRename, _ done: LaneRename.Outcome, queued: Int?) -> CommandAnswer {
        let (old, new) = (rename.old, rename.new)
        var text =
            done.moved > 0
            ? "\(NumberText.counted(done.moved, "order")) of the lane \(old) moved to \(new).\n"
            : "No order of the lane \(old) was moved to \(new): none waits that could be.\n"
        if done.left > 0 {
            text += "\(NumberText.counted(done.left, "order")) still wait\(done.left == 1 ? "s" : "") in \(old): held "
            text += "by somebody, or new. Run this again.\n"
        }
        if done.running > 0 {
            text += "\(NumberText.grouped(done.running)) still run\(done.running == 1 ? "s" : "") under the old name, "
            text += "and what is tried again waits there: run this again when they have ended.\n"
        }
        if let queued, queued > 0 {
            let (from, to) = (MooseTopology.workQueue(lane: old), MooseTopology.workQueue(lane: new))
            text += "\(NumberText.counted(queued, "message")) in the queue \(from) may be work that only the broker "
            text += "knows. Keep a worker on \(old) until it is empty, or run "
            text += "`moose dead-letters move \(from) --to \(to)`; don't delete the queue before.\n"
        }
        if done.keepsSettings {
            text += "\(old) keeps its settings beside \(new) until nothing of it waits, runs or is queued: then run "
            text += "this again.\n"
        }
        if !done.schedules.isEmpty {
            text += "Schedules that still write for \(old): \(done.schedules.joined(separator: ", ")). "
            text += "`moose schedules add --replace` changes them.\n"
        }
        return CommandAnswer(
            text: text,
            json: [
                "from": .string(old), "to": .string(new), "moved": .count(done.moved), "left": .count(done.left),
                "running": .count(done.running), "queued": .count(queued),
                "keeps_settings": .bool(done.keepsSettings),
                "schedules": .array(done.schedules.map(JSONValue.string)),
            ], status: done.left > 0 ? .failed : .ok)
    }
}
