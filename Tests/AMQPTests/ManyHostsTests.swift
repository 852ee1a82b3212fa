import TestSupport
import Testing

@testable import AMQP

@Suite(.timeLimit(.minutes(2))) struct ManyHostsTests {
    /// The broker's URL with these hosts instead.
    private func configuration(_ ports: [Int], timeout: Duration = .seconds(10)) throws -> AMQPConfiguration {
        var configuration = try Broker.configuration()
        configuration.addresses = ports.map { BrokerAddress(host: "127.0.0.1", port: $0) }
        configuration.connectTimeout = timeout
        return configuration
    }

    @Test func `a host that refuses, one that is silent and one that is no RabbitMQ are passed over in bounded time`()
        async throws
    {
        let silent = try SilentPort()
        let web = try SilentPort(answering: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
        defer {
            silent.close()
            web.close()
        }
        let ports = [1, silent.port, web.port, try Broker.port()]
        for _ in 0..<4 {
            try await Broker.withPublisher(configuration: configuration(ports, timeout: .seconds(2))) { publisher in
                #expect(publisher.status().address?.port == ports[3])
            }
        }
    }

    @Test func `without any host each is named with its reason, within twice the time-out`() async throws {
        let silent = try SilentPort()
        let web = try SilentPort(answering: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
        defer {
            silent.close()
            web.close()
        }
        let configuration = try configuration([1, silent.port, web.port], timeout: .seconds(1))
        let publisher = try AMQPPublisher(configuration: configuration)
        let began = ContinuousClock.now
        let error = await #expect(throws: AMQPError.self) { try await publisher.connect() }
        // The probe of the web server's port, and one of the silent one, take a second at most each.
        #expect(ContinuousClock.now - began < .seconds(7))
        let text = "\(try #require(error))"
        let stranger = "127.0.0.1:\(web.port): a web server answers there"
        for words in ["127.0.0.1:1: ", "127.0.0.1:\(silent.port): ", stranger] {
            #expect(text.contains(words), "\(text)")
        }
        await publisher.close()
    }

    @Test func `a lost host is left for another, and a publisher and a consumer go on without an error`() async throws {
        let queue = Broker.queue()
        let broker = try Broker.port()
        let first = try FlakyProxy(target: broker)
        let second = try FlakyProxy(target: broker)
        defer {
            first.close()
            second.close()
        }
        let configuration = try configuration([first.port, second.port])
        try await Broker.withPublisher(Topology(queues: [queue]), configuration: configuration) { publisher in
            try await Broker.withConsumer(configuration: configuration) { consumer in
                let subscription = try await consumer.subscribe(to: queue.name, prefetch: 10)
                var batches = subscription.batches.makeAsyncIterator()
                for number in 0..<6 {
                    let lost = number.isMultiple(of: 2) ? first : second
                    let other = number.isMultiple(of: 2) ? second : first
                    other.cut(refusing: false)
                    lost.cut(refusing: true)
                    try await publisher.publish(Broker.messages(number..<number + 1, for: queue.name))
                    #expect(publisher.status().address?.port == other.port)
                    var seen: [String?] = []
                    while !seen.contains("\(number)"), let batch = await batches.next() {
                        seen += batch.deliveries.map(\.properties.messageID)
                        subscription.acknowledge(batch.deliveries.map(\.tag))
                    }
                }
            }
        }
    }

    @Test func `a wrong password is told as that, not as hosts that are away`() async throws {
        let broker = try Broker.configuration()
        let url = "amqp://\(broker.user):wrong@127.0.0.1:1,127.0.0.1:\(broker.addresses[0].port)/%2F"
        let publisher = try AMQPPublisher(configuration: AMQPConfiguration(url: url))
        let error = await #expect(throws: AMQPError.self) { try await publisher.connect() }
        #expect(error == .authenticationFailed(user: broker.user))
        await publisher.close()
    }
}
