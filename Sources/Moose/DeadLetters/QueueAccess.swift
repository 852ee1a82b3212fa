internal import AMQP
internal import Settings

/// Opens the broker for a short command that reads a queue.
enum QueueAccess {
    static func open(
        _ settings: Settings, _ body: (AMQPConsumer, AMQPPublisher) async throws -> Void
    ) async throws {
        var configuration = try AMQPConfiguration(url: settings.broker.url)
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
