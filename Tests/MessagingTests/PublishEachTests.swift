import AMQP
import FoundationEssentials
import Messaging
import Spool
import TestSupport
import Testing
import WorkOrders

/// One message that can't pass holds up no other, and is named.
@Suite(.timeLimit(.minutes(2))) struct PublishEachTests {
    private static let queue = "inbox"

    /// A publisher on a virtual host of its own, with a queue.
    private func open(_ body: (AMQPPublisher) async throws -> Void) async throws {
        try await TestStack.shared.withVirtualHost { url in
            let publisher = try AMQPPublisher(
                configuration: AMQPConfiguration(url: url), topology: Topology(queues: [.init(name: Self.queue)]))
            let result: Result<Void, any Error>
            do {
                try await publisher.connect()
                result = .success(try await body(publisher))
            } catch {
                result = .failure(error)
            }
            await publisher.close()
            try result.get()
        }
    }

    private static func messages(_ count: Int) -> [OutgoingMessage] {
        (0..<count).map { number in
            OutgoingMessage(
                exchange: "", routingKey: queue, properties: MessageProperties(messageID: "\(number)"),
                body: Array("\(number)".utf8))
        }
    }

    private func waitFor(_ count: Int, _ publisher: AMQPPublisher) async throws {
        try await eventually("the queue has \(count) messages") {
            try await publisher.queueStatistics(Self.queue)?.messages == count
        }
    }

    @Test func `what names a missing or forbidden exchange is refused alone, and nothing else is sent twice for it`()
        async throws
    {
        try await open { publisher in
            var messages = Self.messages(300)
            for (index, exchange) in [0: "nope", 7: "amq.rabbitmq.trace", 150: "amq.rabbitmq.log", 299: "nope"] {
                messages[index].exchange = exchange
            }
            var confirmed: [Int] = []
            let refused = try await publisher.publishEach(messages, deadline: .seconds(20)) { confirmed += $0 }
            #expect(Set(refused.keys) == [0, 7, 150, 299])
            #expect(confirmed == messages.indices.filter { refused[$0] == nil })
            guard case .notFound(let missing)? = refused[299], case .accessRefused(let forbidden)? = refused[7] else {
                Issue.record("refused for something else: \(refused)")
                return
            }
            #expect(missing.contains("nope") && forbidden.contains("amq.rabbitmq.trace"))
            try await waitFor(296, publisher)
            #expect(publisher.status().reconnects == 0)
        }
    }

    @Test func `one that asks for what its channel hasn't got is found among those of its exchange`() async throws {
        try await open { publisher in
            var messages = Self.messages(20)
            messages[13].properties.replyTo = "amq.rabbitmq.reply-to"
            var confirmed: Set<Int> = []
            let refused = try await publisher.publishEach(messages, deadline: .seconds(20)) { confirmed.formUnion($0) }
            #expect(Array(refused.keys) == [13])
            #expect(confirmed == Set(messages.indices).subtracting([13]))
        }
    }

    @Test func `a user without the right to an exchange is told of it for each message, and may use the others`()
        async throws
    {
        try await TestStack.shared.withUser(write: "^amq.fanout$", read: "^$") { _, url in
            let publisher = try AMQPPublisher(configuration: AMQPConfiguration(url: url))
            var messages = Self.messages(4)
            messages[1].exchange = "amq.fanout"
            messages[3].exchange = "amq.topic"
            var confirmed: [Int] = []
            let refused = try await publisher.publishEach(messages, deadline: .seconds(20)) { confirmed += $0 }
            #expect(confirmed == [1])
            #expect(Set(refused.keys) == [0, 2, 3], "the default exchange is one as any other")
            await publisher.close()
        }
    }

    @Test func `what keeps everybody out is nobody's fault`() async throws {
        try await TestStack.shared.withVirtualHost { url in
            let publisher = try AMQPPublisher(configuration: AMQPConfiguration(url: url + "-gone"))
            await #expect(throws: AMQPError.self) {
                _ = try await publisher.publishEach(Self.messages(3), deadline: .seconds(2)) { _ in }
            }
            await publisher.close()
        }
    }

    private static func record(_ exchange: String) -> SpoolRecord {
        SpoolRecord(id: .timeOrdered(), exchange: exchange, routingKey: queue, type: nil, body: Array("{}".utf8))
    }

    @Test func `of the spool only what can never pass is put aside, Moose's own exchanges are waited for`()
        async throws
    {
        try await open { publisher in
            let records = [Self.record("nope"), Self.record(""), Self.record("amq.rabbitmq.trace")]
            let refused = try await publisher.replay(records, deadline: .seconds(20))
            #expect(refused.keys.sorted() == [0, 2])
            #expect(refused[0]?.contains("no exchange 'nope'") == true)
            try await waitFor(1, publisher)
            let own = [Self.record("nope"), Self.record(MooseTopology.workExchange)]
            await #expect(throws: AMQPError.self) { _ = try await publisher.replay(own, deadline: .seconds(20)) }
            try await publisher.declare(MooseTopology.topology(lanes: [String]()))
            #expect(try await publisher.replay(own, deadline: .seconds(20)).keys.sorted() == [0])
        }
    }
}
