import TestSupport
import Testing

@testable import AMQP

/// A user without the permission to configure.
@Suite(.timeLimit(.minutes(2))) struct RightsTests {
    private func withUser(
        configure: String = "^$", write: String = ".*", read: String = ".*",
        _ body: (_ owner: AMQPConfiguration, _ user: AMQPConfiguration) async throws -> Void
    ) async throws {
        try await TestStack.shared.withUser(configure: configure, write: write, read: read) { owner, user in
            try await body(AMQPConfiguration(url: owner), AMQPConfiguration(url: user))
        }
    }

    private let topology = Topology(
        exchanges: [.init(name: "moose.test", kind: "topic")], queues: [.init(name: "moose.test.queue")],
        bindings: [.init(exchange: "moose.test", queue: "moose.test.queue", routingKey: "a")])

    @Test func `uses a topology that stands`() async throws {
        try await withUser { owner, user in
            try await Broker.withPublisher(topology, configuration: owner) { _ in }
            try await Broker.withPublisher(topology, configuration: user) { publisher in
                try await publisher.publish([.init(exchange: "moose.test", routingKey: "a", body: [1], mandatory: true)]
                )
                try await Broker.withConsumer(topology, configuration: user) { consumer in
                    let subscription = try await consumer.subscribe(to: "moose.test.queue", prefetch: 1)
                    var batches = subscription.batches.makeAsyncIterator()
                    #expect(await batches.next()?.deliveries.first?.body == [1])
                }
            }
        }
    }

    @Test func `is told what is missing`() async throws {
        try await withUser { owner, user in
            let partly = Topology(exchanges: topology.exchanges)
            try await Broker.withPublisher(partly, configuration: owner) { _ in }
            let publisher = try AMQPPublisher(configuration: user, topology: topology)
            let error = await #expect(throws: AMQPError.self) { try await publisher.connect() }
            await publisher.close()
            guard case .accessRefused(let text) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(text.contains("'moose.test.queue' is missing"))
        }
    }

    @Test func `who may declare a part declares that part, with its bindings`() async throws {
        try await withUser(configure: "^moose.test.queue$") { owner, user in
            let partly = Topology(exchanges: topology.exchanges)
            try await Broker.withPublisher(partly, configuration: owner) { _ in }
            try await Broker.withPublisher(topology, configuration: user) { publisher in
                try await publisher.publish([.init(exchange: "moose.test", routingKey: "a", body: [1], mandatory: true)]
                )
            }
        }
    }

    @Test func `rights are tried without moving a message`() async throws {
        try await withUser(write: "^moose.test$", read: "^moose.test.queue$") { owner, user in
            try await Broker.withPublisher(topology, configuration: owner) { owner in
                try await owner.publish([.init(exchange: "moose.test", routingKey: "a", body: [1], mandatory: true)])
                try await Broker.withPublisher(configuration: user) { publisher in
                    #expect(try await publisher.refusal(of: .write(exchange: "moose.test")) == nil)
                    #expect(try await publisher.refusal(of: .read(queue: "moose.test.queue")) == nil)
                    let other = try await publisher.refusal(of: .write(exchange: ""))
                    #expect(other?.contains("amq.default") == true)
                }
                #expect(try await owner.queueStatistics("moose.test.queue")?.messages == 1)
            }
            // The message was never on its way to anybody.
            try await Broker.withConsumer(configuration: user) { consumer in
                let subscription = try await consumer.subscribe(to: "moose.test.queue", prefetch: 1)
                var batches = subscription.batches.makeAsyncIterator()
                #expect(await batches.next()?.deliveries.first?.redelivered == false)
            }
        }
    }
}
