internal import AMQP
internal import ArgumentParser
internal import FoundationEssentials
internal import Messaging
internal import Operations
internal import Publisher

/// `moose dead-letters peek`.
struct DeadLettersPeek: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peek",
        abstract: "Look at the first messages of any queue on the broker.",
        discussion: """
            This disturbs the queue. Each message shown is taken and put back: it is marked as redelivered, others can't \
            have it meanwhile, and a quorum queue counts one more of the deliveries that its limit allows; past the limit \
            a message is dead-lettered, or dropped where there is no dead-letter exchange. A message returned 15 times or \
            more is not shown without --force. To look without disturbing: `moose dead-letters list`, \
            `moose work-orders show`, or `rabbitmq-queues peek` on the broker's host.

            EXAMPLES
              moose dead-letters peek moose.work.default
              moose dead-letters peek partner.inbox --limit 5 --json | jq .[].body
            """)

    @Argument(help: "The queue, also one Moose doesn't own.")
    var queue: String

    @Option(help: ArgumentHelp("How many messages, from 1 to 100.", valueName: "n"))
    var limit = 1

    @Flag(help: "Also where the first message was returned often.")
    var force = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (1...100).contains(limit) else { throw ValidationError("--limit goes from 1 to 100.") }
    }

    func run() async throws {
        try await runCommand {
            try await QueueAccess.open(try common.settings()) { consumer, publisher in
                let messages: [Delivery]
                do {
                    messages = try await QueuePeek(consumer: consumer, publisher: publisher).first(
                        limit, of: queue, isForced: force)
                } catch AMQPError.notFound {
                    throw QueueAccess.missing(queue)
                } catch QueuePeek.Refusal.returnedOften(let count) {
                    throw CommandFailure(
                        "the first message was not shown: it has been returned \(count) times",
                        why: "A look returns it once more, and past the queue's limit the broker gives it up",
                        next: "Find its consumer's fault first, or say --force", status: .refused)
                }
                print(try common.json ? json(messages) : text(messages), terminator: "")
                if !messages.isEmpty {
                    let verb =
                        messages.count == 1
                        ? "was taken and put back; it counts" : "were taken and put back; they count"
                    StandardError.write(
                        "moose: \(NumberText.counted(messages.count, "message")) \(verb) as redelivered.\n")
                }
            }
        }
    }

    private func json(_ messages: [Delivery]) throws -> String {
        try JSONOutput.text(
            list: messages.map { message in
                let properties = JSONValue.document(message.properties.json)
                var fields: [String: JSONValue] = [
                    "exchange": .string(message.exchange), "routing_key": .string(message.routingKey),
                    "redelivered": .bool(message.redelivered), "properties": properties,
                    "body_bytes": .count(message.bodySize), "body_is_cut": .bool(message.isCut),
                    "body": .document(message.body),
                ]
                if String(validating: message.body, as: UTF8.self) == nil {
                    fields["body_base64"] = .string(Data(message.body).base64EncodedString())
                }
                return JSONValue.object(fields)
            })
    }

    private func text(_ messages: [Delivery]) throws -> String {
        guard !messages.isEmpty else {
            return "The queue \(PrintableText.oneLine(queue)) has no message that is ready.\n"
        }
        let terminal = common.terminal
        var text = ""
        for (number, message) in messages.enumerated() {
            var facts = FactList()
            facts.add("exchange", message.exchange.isEmpty ? "(default)" : message.exchange)
            facts.add("routing key", message.routingKey)
            facts.add("redelivered", message.redelivered ? "yes" : "no")
            facts.add("size", "\(NumberText.grouped(message.bodySize)) bytes")
            text += terminal.styled("Message \(number + 1)", .bold) + "\n" + facts.text(for: terminal)
            text += try JSONValue.document(message.properties.json).lines()
            text += try JSONValue.document(Array(message.body.prefix(4096))).lines() + "\n"
        }
        return text
    }
}
