internal import AMQP
internal import Settings

/// Opens the broker for a short command that reads a queue.
enum QueueAccess {
    /// A queue that a person named; it need not be one of Moose's, so that its topology doesn't help.
    static func missing(_ queue: String) -> CommandFailure {
        let shown = PrintableText.truncated(PrintableText.oneLine(queue), to: 80)
        return CommandFailure(
            "the broker has no queue '\(shown)'", next: "Check its name and the virtual host in the broker's URL",
            status: .refused)
    }

    static func open(
        _ settings: Settings, _ body: (AMQPConsumer, AMQPPublisher) async throws -> Void
    ) async throws {
        var configuration = try AMQPConfiguration(settings)
        configuration.connectionName = "moose command"
        let consumer = try AMQPConsumer(configuration: configuration)
        let result = await asyncResult {
            try await consumer.connect()
            try await TopologyAccess.withPublisher(settings) { publisher in try await body(consumer, publisher) }
        }
        await consumer.close()
        try result.get()
    }
}
