import FoundationEssentials
import TestSupport
import Testing

@testable import AMQP

@Suite(.timeLimit(.minutes(2))) struct ConnectionTests {
    /// The broker's URL with other parts.
    private func url(user: String? = nil, password: String? = nil, virtualHost: String? = nil, port: Int? = nil) throws
        -> AMQPConfiguration
    {
        let broker = try Broker.configuration()
        let path = (virtualHost ?? broker.virtualHost).replacing("/", with: "%2F")
        return try AMQPConfiguration(
            url:
                "amqp://\(user ?? broker.user):\(password ?? broker.password)@127.0.0.1:\(port ?? Broker.port())/\(path)"
        )
    }

    private func failure(_ configuration: AMQPConfiguration) async throws -> AMQPError? {
        let publisher = try AMQPPublisher(configuration: configuration)
        let error = await #expect(throws: AMQPError.self) { try await publisher.connect() }
        await publisher.close()
        return error
    }

    @Test func `a wrong password is named as that`() async throws {
        let configuration = try url(password: "wrong")
        #expect(try await failure(configuration) == .authenticationFailed(user: configuration.user))
    }

    @Test func `a missing virtual host is named as that`() async throws {
        #expect(try await failure(url(virtualHost: "moose-missing")) == .virtualHostMissing("moose-missing"))
    }

    @Test func `nobody there is named as that`() async throws {
        guard case .connectionRefused(let failures) = try await failure(url(port: 1)) else {
            Issue.record("not refused")
            return
        }
        #expect(failures.map(\.address.port) == [1])
    }

    @Test func `a publish before the first connection fails by its deadline with the cause`() async throws {
        let publisher = try AMQPPublisher(configuration: url(port: 1))
        let error = await #expect(throws: AMQPError.self) {
            try await publisher.publish(Broker.messages(0..<1, for: "q"), deadline: .milliseconds(300))
        }
        guard case .connectionRefused = error else {
            Issue.record("not refused: \(String(describing: error))")
            return
        }
        await publisher.close()
    }

    @Test func `the status tells version and liveness`() async throws {
        try await Broker.withPublisher { publisher in
            let status = publisher.status()
            #expect(status.connected)
            #expect(status.serverVersion?.contains(".") == true)
            #expect(status.lastFrameAge != nil)
            #expect(status.blocked == nil)
        }
    }

    @Test func `an idle connection lives on heartbeats`() async throws {
        var configuration = try Broker.configuration()
        configuration.heartbeat = .seconds(2)
        try await Broker.withPublisher(configuration: configuration) { publisher in
            // The broker drops a client after two silent intervals, and so does this client a broker.
            try await Task.sleep(for: .seconds(10))
            let status = publisher.status()
            #expect(status.connected)
            #expect(status.reconnects == 0)
        }
    }

    @Test func `a broker that falls silent counts as lost, and the publish arrives by a new connection`() async throws {
        let queue = Broker.queue()
        let proxy = try FlakyProxy(target: Broker.port())
        defer { proxy.close() }
        var configuration = try url(port: proxy.port)
        configuration.heartbeat = .seconds(1)
        try await Broker.withPublisher(Topology(queues: [queue]), configuration: configuration) { publisher in
            try await publisher.publish(Broker.messages(0..<1, for: queue.name))
            proxy.freeze()
            try await publisher.publish(Broker.messages(1..<2, for: queue.name))
            // Once, or more often where this machine stands still for a second.
            #expect(publisher.status().reconnects >= 1)
        }
    }

    @Test func `confirmed messages survive a connection that breaks again and again`() async throws {
        let queue = Broker.queue()
        let proxy = try FlakyProxy(target: Broker.port())
        defer { proxy.close() }
        let kept = try await Broker.withPublisher(
            Topology(queues: [queue]), configuration: url(port: proxy.port)
        ) { publisher in
            let publishing = Task {
                for start in stride(from: 0, to: 20_000, by: 1000) {
                    try await publisher.publish(Broker.messages(start..<start + 1000, for: queue.name))
                }
            }
            for _ in 0..<5 {
                try await Task.sleep(for: .milliseconds(40))
                proxy.cut()
            }
            try await publishing.value
            #expect(publisher.status().reconnects > 0)
            return try await publisher.queueStatistics(queue.name)?.messages ?? 0
        }
        // Some are there twice. What isn't there now was lost, and is not waited for.
        try #require(kept >= 20_000)
        try await Broker.withConsumer { consumer in
            let subscription = try await consumer.subscribe(to: queue.name, prefetch: 1000)
            var seen: Set<String> = []
            var count = 0
            for await batch in subscription.batches {
                count += batch.deliveries.count
                seen.formUnion(batch.deliveries.compactMap(\.properties.messageID))
                subscription.acknowledge(batch.deliveries.map(\.tag))
                if count >= kept { break }
            }
            #expect(seen.count == 20_000)
        }
    }

    @Test func `a subscription consumes again after the connection broke`() async throws {
        let queue = Broker.queue()
        let proxy = try FlakyProxy(target: Broker.port())
        defer { proxy.close() }
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            try await Broker.withConsumer(configuration: url(port: proxy.port)) { consumer in
                let subscription = try await consumer.subscribe(to: queue.name, prefetch: 100)
                var batches = subscription.batches.makeAsyncIterator()
                try await publisher.publish(Broker.messages(0..<1, for: queue.name))
                let first = try #require(await batches.next()?.deliveries.first)
                proxy.cut(refusing: true)
                try await eventually("the loss is noticed") { !subscription.isConsuming }
                proxy.cut(refusing: false)
                // Settled too late: the broker delivers it again, on a new epoch.
                subscription.acknowledge([first.tag])
                let again = try #require(await batches.next()?.deliveries.first)
                #expect(again.redelivered)
                #expect(again.tag.epoch > first.tag.epoch)
                subscription.acknowledge([again.tag])
                try await publisher.publish(Broker.messages(1..<2, for: queue.name))
                #expect(await batches.next()?.deliveries.first?.properties.messageID == "1")
                #expect(consumer.status().reconnects == 1)
            }
        }
    }
}
