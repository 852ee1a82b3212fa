import AMQP
import TestSupport
import Testing

@testable import Moose

struct TopologyPlanTests {
    @Test func `a plan says what is there and what is missing, of exchanges and queues`() async throws {
        let topology = Topology(
            exchanges: [.init(name: "moose.one", kind: "topic"), .init(name: "moose.two", kind: "fanout")],
            queues: [.init(name: "moose.queue")])
        try await TestStack.shared.withVirtualHost { url in
            let publisher = try AMQPPublisher(configuration: AMQPConfiguration(url: url))
            try await publisher.connect()
            #expect(try await TopologyPart.of(topology, on: publisher).map(\.exists) == [false, false, false])
            try await publisher.declare(Topology(exchanges: [.init(name: "moose.two", kind: "fanout")]))
            let parts = try await TopologyPart.of(topology, on: publisher)
            #expect(parts.map(\.kind) == ["exchange", "exchange", "queue"])
            #expect(parts.filter(\.exists).map(\.name) == ["moose.two"])
            await publisher.close()
        }
    }
}
