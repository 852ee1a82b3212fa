internal import AMQP
internal import ArgumentParser
internal import FoundationEssentials
internal import Messaging
internal import Operations
internal import Publisher
internal import Store
internal import WorkOrders

/// What a redrive changes.
struct RedriveOptions: ParsableArguments {
    @Option(help: "Send them to this lane, not to where they were going.")
    var toLane: String?

    @Option(help: "Send them to this queue.")
    var toQueue: String?

    @Flag(help: "Under new ids: each letter's own.")
    var newID = false

    @Option(help: ArgumentHelp("Set a field of the body; repeat for more. One letter only.", valueName: "name=value"))
    var set: [String] = []

    @Option(help: "Send the content of this file as body. One letter only.")
    var body: String?

    @Flag(help: "Change the body in $EDITOR first. One letter only.")
    var edit = false

    /// Whether there is to be another body.
    var edits: Bool { edit || body != nil || !set.isEmpty }

    func validate() throws {
        guard toLane == nil || toQueue == nil else {
            throw ValidationError("--to-lane and --to-queue go not together.")
        }
        guard !(edit && body != nil) else { throw ValidationError("--edit and --body go not together.") }
    }

    /// Without a changed body.
    func redrive() throws(CommandFailure) -> Redrive {
        var redrive = Redrive()
        if let toLane {
            do {
                redrive.routingKey = try FieldRule.lane.check(toLane, "--to-lane")
            } catch {
                throw CommandFailure(error.explanation, status: .usage)
            }
            redrive.exchange = MooseTopology.workExchange
        } else if let toQueue {
            redrive.exchange = ""
            redrive.routingKey = toQueue
        }
        redrive.hasNewID = newID
        if newID { redrive.body = { try BodyEdit.withID($0.id, $0.body) } }
        return redrive
    }

    /// With the changed body of this letter. An order, an id that is another's or none at all: then it is a new message.
    ///
    /// - Throws: ``CommandFailure``: a file that can't be read, or a body that would be refused again.
    func redrive(
        _ letter: DeadLetterSummary, _ old: DeadLetterSummary.Content, limit: Int, environment: [String: String]
    ) async throws -> Redrive {
        guard body != nil || !letter.isCut else {
            throw CommandFailure(
                "nothing was redriven: only the beginning of the body was kept", next: "Give it another with --body",
                status: .refused)
        }
        var redrive = try self.redrive()
        var content = old.body
        if let body {
            do {
                content = Array(try Data(contentsOf: URL(filePath: body)))
            } catch {
                throw CommandFailure(
                    "\(body) can't be read", why: "It is missing, or not readable for this user", status: .usage)
            }
        }
        if !set.isEmpty {
            content = try BodyEdit.set(
                try set.map { text throws(CommandFailure) in try BodyEdit.Assignment(text) }, in: content)
        }
        if edit { content = try await BodyEditor.edit(content, environment: environment) }
        redrive.hasNewID = newID || letter.isOrder || ["id_reused", "no_id"].contains(letter.reason)
        if redrive.hasNewID { content = try BodyEdit.withID(letter.id, content) }
        if (redrive.exchange ?? letter.exchange) == MooseTopology.workExchange {
            do {
                _ = try WorkOrderMessage.decode(
                    content,
                    messageID: redrive.hasNewID
                        ? letter.id.uuidString : try MessageProperties(json: old.headers).messageID,
                    lane: redrive.routingKey ?? letter.lane ?? "default", limit: limit)
            } catch let problem as InvalidMessage {
                throw CommandFailure(
                    "nothing was redriven: the changed body would be refused again", why: problem.explanation,
                    status: .refused)
            }
        }
        let sent = content
        redrive.replacesBody = true
        redrive.body = { _ in sent }
        return redrive
    }
}
