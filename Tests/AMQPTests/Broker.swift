import FoundationEssentials

@testable import AMQP

/// The broker that the integration tests talk to, and names of their own on it.
enum Broker {
    struct Missing: Error, CustomStringConvertible {
        let description =
            "no broker to test against: set MOOSE_TEST_AMQP_URL, for example amqp://guest:guest@127.0.0.1:5672"
    }

    /// Without a broker the tests fail: skipping would hide that nothing was tested.
    static func configuration() throws -> AMQPConfiguration {
        guard let url = ProcessInfo.processInfo.environment["MOOSE_TEST_AMQP_URL"] else { throw Missing() }
        var configuration = try AMQPConfiguration(url: url)
        configuration.connectionName = "moose-tests"
        return configuration
    }

    /// Where it listens.
    static func port() throws -> Int { try configuration().addresses[0].port }

    /// A quorum queue nobody else uses; the broker deletes it a minute after its last use.
    static func queue(_ arguments: FieldTable = [:]) -> Topology.QueueDeclaration {
        let defaults: FieldTable = ["x-queue-type": "quorum", "x-expires": 60_000]
        return Topology.QueueDeclaration(
            name: "moose.test.\(UUID().uuidString)", arguments: defaults.merging(arguments) { $1 })
    }

    /// Small messages for a queue, each with its number as body and id.
    static func messages(_ range: Range<Int>, for queue: String, mandatory: Bool = false) -> [OutgoingMessage] {
        range.map { number in
            OutgoingMessage(
                exchange: "", routingKey: queue, properties: MessageProperties(messageID: "\(number)"),
                body: Array("\(number)".utf8), mandatory: mandatory)
        }
    }

    /// A connected publisher for the duration of `body`.
    static func withPublisher<Result>(
        _ topology: Topology? = nil, configuration: AMQPConfiguration? = nil, window: Int = 1000,
        _ body: (AMQPPublisher) async throws -> Result
    ) async throws -> Result {
        let publisher = try AMQPPublisher(
            configuration: try configuration ?? Self.configuration(), topology: topology, window: window)
        do {
            try await publisher.connect()
            let result = try await body(publisher)
            await publisher.close()
            return result
        } catch {
            await publisher.close()
            throw error
        }
    }

    /// A connected consumer for the duration of `body`.
    static func withConsumer<Result>(
        _ topology: Topology? = nil, configuration: AMQPConfiguration? = nil,
        _ body: (AMQPConsumer) async throws -> Result
    ) async throws -> Result {
        let consumer = try AMQPConsumer(
            configuration: try configuration ?? Self.configuration(), topology: topology)
        do {
            try await consumer.connect()
            let result = try await body(consumer)
            await consumer.close()
            return result
        } catch {
            await consumer.close()
            throw error
        }
    }
}
