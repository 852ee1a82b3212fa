import Testing

@testable import AMQP

@Suite(.timeLimit(.minutes(2))) struct PublisherTests {
    @Test func `twenty thousand confirmed messages are in the queue`() async throws {
        let queue = Broker.queue()
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            try await publisher.publish(Broker.messages(0..<20_000, for: queue.name))
            #expect(try await publisher.queueStatistics(queue.name)?.messages == 20_000)
        }
    }

    @Test func `many tasks share one window`() async throws {
        let queue = Broker.queue()
        try await Broker.withPublisher(Topology(queues: [queue]), window: 10) { publisher in
            try await withThrowingTaskGroup { group in
                for number in 0..<200 {
                    group.addTask { try await publisher.publish(Broker.messages(number..<number + 1, for: queue.name)) }
                }
                try await group.waitForAll()
            }
            #expect(try await publisher.queueStatistics(queue.name)?.messages == 200)
        }
    }

    @Test func `a queue that is missing is nil, and the publisher survives asking`() async throws {
        let queue = Broker.queue()
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            #expect(try await publisher.queueStatistics("moose.test.missing") == nil)
            #expect(try await !publisher.queueExists("moose.test.missing"))
            #expect(try await publisher.queueExists(queue.name))
            try await publisher.publish(Broker.messages(0..<1, for: queue.name))
            #expect(publisher.status().reconnects == 0)
        }
    }

    @Test func `a mandatory message without a queue is returned, the others arrive`() async throws {
        let queue = Broker.queue()
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            var messages = Broker.messages(0..<5, for: queue.name, mandatory: true)
            messages[3].routingKey = "moose.test.missing"
            let error = await #expect(throws: AMQPError.self) { try await publisher.publish(messages) }
            guard case .returned([3], let text) = error else {
                Issue.record("not returned: \(String(describing: error))")
                return
            }
            #expect(text.contains("NO_ROUTE"))
            let kept = try await publisher.queueStatistics(queue.name)?.messages
            #expect(kept == 4)
        }
    }

    @Test func `an exchange that is missing fails only its own batch`() async throws {
        let queue = Broker.queue()
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            var lost = Broker.messages(0..<1, for: queue.name)
            lost[0].exchange = "moose.test.missing"
            async let good: Void = publisher.publish(Broker.messages(0..<500, for: queue.name))
            let error = await #expect(throws: AMQPError.self) { try await publisher.publish(lost) }
            guard case .notFound = error else {
                Issue.record("not refused as missing: \(String(describing: error))")
                return
            }
            try await good
            #expect(publisher.status().reconnects == 0)
        }
    }

    @Test func `a full queue refuses by index until the deadline`() async throws {
        let queue = Broker.queue(["x-max-length": 10, "x-overflow": "reject-publish"])
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            try await publisher.publish(Broker.messages(0..<10, for: queue.name))
            // The queue may take a few more than its limit before it refuses.
            let error = await #expect(throws: AMQPError.self) {
                for _ in 0..<100 {
                    try await publisher.publish(Broker.messages(0..<2, for: queue.name), deadline: .milliseconds(700))
                }
            }
            switch error {
            case .nacked(let indexes), .unconfirmed(let indexes, _): #expect(!indexes.isEmpty)
            case .timeout: break
            default: Issue.record("not refused: \(String(describing: error))")
            }
        }
    }

    @Test func `declaring a queue differently says which and kills nothing`() async throws {
        let queue = Broker.queue()
        var drifted = queue
        drifted.arguments["x-max-length"] = 5
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            let error = await #expect(throws: AMQPError.self) {
                try await publisher.declare(Topology(queues: [drifted]))
            }
            guard case .preconditionFailed(queue.name, let text) = error else {
                Issue.record("not a failed precondition: \(String(describing: error))")
                return
            }
            #expect(text.contains("x-max-length"))
            try await publisher.publish(Broker.messages(0..<1, for: queue.name))
            #expect(publisher.status().reconnects == 0)
        }
    }

    @Test func `a cancelled task stops waiting at once`() async throws {
        let queue = Broker.queue()
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            let task = Task { try await publisher.publish(Broker.messages(0..<50_000, for: queue.name)) }
            task.cancel()
            await #expect(throws: AMQPError.cancelled) { try await task.value }
            try await publisher.publish(Broker.messages(0..<1, for: queue.name))
        }
    }

    @Test func `a message of the limit passes and one above is refused before it is sent`() async throws {
        let queue = Broker.queue()
        var configuration = try Broker.configuration()
        configuration.maxMessageBytes = 1000
        try await Broker.withPublisher(Topology(queues: [queue]), configuration: configuration) { publisher in
            let fits = OutgoingMessage(exchange: "", routingKey: queue.name, body: [UInt8](repeating: 1, count: 1000))
            let large = OutgoingMessage(exchange: "", routingKey: queue.name, body: [UInt8](repeating: 1, count: 1001))
            try await publisher.publish([fits])
            await #expect(throws: AMQPError.messageTooLarge(index: 1, bytes: 1001, limit: 1000)) {
                try await publisher.publish([fits, large])
            }
            #expect(try await publisher.queueStatistics(queue.name)?.messages == 1)
        }
    }

    @Test func `headers larger than a frame are refused without harm`() async throws {
        let queue = Broker.queue()
        try await Broker.withPublisher(Topology(queues: [queue])) { publisher in
            var messages = Broker.messages(0..<2, for: queue.name)
            messages[1].properties.headers["large"] = .string(String(repeating: "h", count: 200_000))
            let error = await #expect(throws: AMQPError.self) { try await publisher.publish(messages) }
            guard case .invalidMessage(index: 1, _) = error else {
                Issue.record("not refused: \(String(describing: error))")
                return
            }
            try await publisher.publish(Broker.messages(0..<1, for: queue.name))
            #expect(publisher.status().reconnects == 0)
        }
    }

    @Test func `a closed publisher says so`() async throws {
        let publisher = try AMQPPublisher(configuration: Broker.configuration())
        await publisher.close()
        await publisher.close()
        await #expect(throws: AMQPError.closed) { try await publisher.connect() }
        await #expect(throws: AMQPError.closed) { try await publisher.publish(Broker.messages(0..<1, for: "q")) }
    }
}
