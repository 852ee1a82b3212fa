import AMQP
import FoundationEssentials
import Messaging
import Postgres
import Publisher
import Store
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// The outbox on its way to the broker, and what the broker won't take.
struct RelayTests {
    private func relay(
        _ bench: PoolBench, poll: Duration = .seconds(1), patience: Duration = .seconds(10)
    ) -> OutboxRelay {
        OutboxRelay(
            store: bench.control, publisher: bench.publisher, logger: PoolBench.logger, poll: poll, patience: patience)
    }

    /// Lets relays try again and again, each without the memory of the last, until the row was refused so often or is gone.
    private func insist(_ refusals: Int, on row: String, _ bench: PoolBench) async throws {
        try await eventually("\(row) was refused \(refusals) times", timeout: .seconds(90)) {
            // What is confirmed in between keeps the channel from resting longer each time.
            try await bench.publisher.publish([OutgoingMessage(exchange: "", routingKey: "nobody", body: [])])
            try await bench.control.postgres.runSimple("UPDATE moose.outbox SET due_at = now()")
            _ = try await relay(bench).relayOnce()
            return try await bench.count("moose.outbox WHERE \(row) AND refusals < \(refusals)") == 0
        }
    }

    private func put(
        _ exchange: String, _ key: String, type: String = "moose.outcome.v1", bytes: Int = 10, _ bench: PoolBench
    ) async throws -> UUID {
        let id = UUID.timeOrdered()
        _ = try await bench.control.postgres.run(
            """
            INSERT INTO moose.outbox (id, exchange, routing_key, type, body)
            VALUES (\(id), \(exchange), \(key), \(type), \([UInt8](repeating: 0x31, count: bytes)))
            """)
        return id
    }

    private func put(_ orders: Int, _ bench: PoolBench) async throws {
        _ = try await bench.control.postgres.run(
            """
            INSERT INTO moose.outbox (exchange, routing_key, type, body)
            SELECT 'moose.work', 'default', 'moose.work-order.v1', '' FROM generate_series(1, \(orders))
            """)
    }

    private func ready(_ queue: String, _ bench: PoolBench) async throws -> Int? {
        try await bench.publisher.queueStatistics(queue)?.messages
    }

    @Test func `what a stop cuts short is given back at once`() async throws {
        try await PoolBench.open { bench in
            for _ in 1...20 {
                try await put(300, bench)
                let relay = relay(bench)
                let running = Task { await relay.run() }
                try await Task.sleep(for: .microseconds(Int.random(in: 0...20_000)))
                running.cancel()
                await running.value
                #expect(
                    try await bench.count("moose.outbox WHERE lease IS NOT NULL") == 0,
                    "nobody else may have them for half a minute")
            }
        }
    }

    @Test func `an exchange that isn't there holds up nothing else, and its message becomes a dead letter`()
        async throws
    {
        try await PoolBench.open { bench in
            let stray = try await put("nowhere", "key", bench)
            try await put(20, bench)
            let relay = relay(bench)
            #expect(try await relay.relayOnce() == 21)
            #expect(try await bench.count("moose.outbox WHERE type = 'moose.work-order.v1'") == 0)
            try await eventually("the orders are there") {
                // More where some were sent again, because the stray one closed the channel.
                try await ready(MooseTopology.workQueue(lane: "default"), bench) ?? 0 >= 20
            }
            #expect(
                try await bench.count(
                    "moose.outbox WHERE refusals = 1 AND lease IS NULL AND due_at > created_at + interval '0.4 seconds'"
                )
                    == 1, "it is left alone for a while")
            try await insist(10, on: "exchange = 'nowhere'", bench)
            #expect(try await bench.count("moose.outbox WHERE exchange = 'nowhere'") == 0)
            #expect(
                try await bench.count(
                    """
                    moose.dead_letters WHERE reason = 'unpublishable' AND exchange = 'nowhere'
                    AND headers ->> 'message_id' = '\(stray.uuidString.lowercased())'
                    """) == 1)
            #expect(
                try await bench.count(
                    """
                    moose.outbox WHERE type = 'moose.error-event.v1'
                    AND convert_from(body, 'UTF8')::json -> 'details' ->> 'reason' = 'unpublishable'
                    """) == 1)
        }
    }

    @Test func `a destination that is busy or rests is passed by`() async throws {
        try await PoolBench.open { bench in
            let busy = try await put("", "busy", bench)
            let free = try await put("", "free", bench)
            #expect(try await bench.control.leaseOutbox(UUID(), skip: ["\nbusy"]).map(\.row) == [free])
            #expect(try await bench.control.leaseOutbox(UUID()).map(\.row) == [busy])
        }
    }

    @Test func `what goes to an exchange of Moose is never given up`() async throws {
        try await PoolBench.open { bench in
            _ = try await put("moose.gone", "error.warning.x", type: "moose.error-event.v1", bench)
            try await insist(12, on: "exchange = 'moose.gone'", bench)
            #expect(try await bench.count("moose.outbox WHERE exchange = 'moose.gone'") == 1)
            #expect(try await bench.count("moose.outbox WHERE refusals >= 12") == 1)
            #expect(try await bench.count("moose.dead_letters") == 0)
            #expect(
                try await bench.count(
                    """
                    moose.outbox WHERE type = 'moose.error-event.v1'
                    AND convert_from(body, 'UTF8')::json -> 'details' ->> 'exchange' = 'moose.gone'
                    """) <= 2)
            // Somebody brings it back.
            _ = try await bench.control.postgres.run(
                "UPDATE moose.outbox SET exchange = 'moose.events' WHERE exchange = 'moose.gone'")
            try await eventually("it goes out") {
                try await bench.control.postgres.runSimple("UPDATE moose.outbox SET due_at = now()")
                _ = try await relay(bench).relayOnce()
                return try await bench.count("moose.outbox") == 0
            }
        }
    }

    @Test func `a message too large for the broker is a dead letter at once, and its neighbours pass`() async throws {
        try await PoolBench.open { bench in
            // Larger than the client sends at all.
            let limit = try AMQPConfiguration(url: bench.amqpURL).maxMessageBytes
            let large = try await put("moose.work", "default", type: "moose.work-order.v1", bytes: limit + 1, bench)
            try await put(2, bench)
            // What travels in one lease is bounded in bytes: the large one goes alone.
            for _ in 1...3 { _ = try await relay(bench).relayOnce() }
            #expect(
                try await bench.count(
                    "moose.dead_letters WHERE reason = 'unpublishable' AND work_order_id = '\(large)' AND lane = 'default'"
                )
                    == 1)
            #expect(try await bench.count("moose.outbox WHERE type <> 'moose.error-event.v1'") == 0)
        }
    }

    @Test func `an outcome for a queue that is gone is dropped, and others arrive`() async throws {
        try await PoolBench.open { bench in
            let topology = Topology(queues: [.init(name: "replies", arguments: ["x-queue-type": "quorum"])])
            try await bench.publisher.declare(topology)
            for _ in 1...3 { _ = try await put("", "gone", bench) }
            for _ in 1...4 { _ = try await put("", "replies", bench) }
            #expect(try await relay(bench).relayOnce() == 7)
            #expect(try await bench.count("moose.outbox") == 0)
            #expect(try await bench.count("moose.dead_letters") == 0)
            try await eventually("the replies are there") { try await ready("replies", bench) == 4 }
        }
    }

    @Test func `a full queue holds up no other, and what it refused comes when there is room`() async throws {
        try await PoolBench.open { bench in
            let topology = Topology(queues: [
                .init(
                    name: "full",
                    arguments: ["x-queue-type": "quorum", "x-overflow": "reject-publish", "x-max-length": 2])
            ])
            try await bench.publisher.declare(topology)
            // The broker notices a moment late that it is full.
            try await eventually("it is full") {
                do throws(AMQPError) {
                    try await bench.publisher.publish(
                        [OutgoingMessage(exchange: "", routingKey: "full", body: [1])], deadline: .milliseconds(200))
                    return false
                } catch {
                    // Anything else, such as a broker that is slow to answer, is asked again.
                    if case .nacked = error { return true }
                    return false
                }
            }
            for _ in 1...20 { _ = try await put("", "full", bench) }
            let relay = relay(bench, poll: .milliseconds(50), patience: .seconds(2))
            let running = Task { await relay.run() }
            try await eventually("the full one is under way") {
                try await bench.count("moose.outbox WHERE lease IS NOT NULL") > 0
            }
            try await put(5, bench)
            try await eventually("the orders got through meanwhile") {
                try await bench.count("moose.outbox WHERE type = 'moose.work-order.v1'") == 0
            }
            #expect(try await bench.count("moose.outbox WHERE routing_key = 'full'") > 0)
            // Somebody makes room.
            let consumer = try AMQPConsumer(configuration: try AMQPConfiguration(url: bench.amqpURL))
            try await consumer.connect()
            let queue = try await consumer.subscribe(to: "full", prefetch: 10)
            let drain = Task {
                for await batch in queue.batches { queue.acknowledge(batch.deliveries.map(\.tag)) }
            }
            try await bench.waitFor(0, "moose.outbox")
            #expect(try await bench.count("moose.dead_letters") == 0, "a full queue is nobody's fault")
            drain.cancel()
            await consumer.close()
            running.cancel()
            await running.value
        }
    }

    @Test func `enqueue wakes a relay that sleeps for an hour, and a due time ends its sleep`() async throws {
        try await PoolBench.open { bench in
            let relay = relay(bench, poll: .seconds(3600))
            let running = Task { await relay.run() }
            try await eventually("it listens") {
                try await bench.count(
                    "pg_stat_activity WHERE query LIKE 'LISTEN %moose_outbox%' AND datname = current_database()") >= 1
            }
            // It looks once when it begins to listen and again after each batch, which may find the first few by itself.
            for _ in 0..<10 {
                _ = try await bench.control.postgres.run("SELECT moose.enqueue('work')")
                try await bench.waitFor(0, "moose.outbox")
            }
            // Due in a second; the row itself wakes nobody, only the next look does.
            _ = try await bench.control.postgres.run(
                """
                INSERT INTO moose.outbox (exchange, routing_key, type, body, due_at)
                VALUES ('moose.work', 'default', 'moose.work-order.v1', '', now() + interval '1 second')
                """)
            relay.wake()
            try await bench.waitFor(0, "moose.outbox")
            running.cancel()
            await running.value
        }
    }

    @Test func `what SQL enqueues is a work order as the schema wants it, and runs with all its properties`()
        async throws
    {
        try await PoolBench.open { bench in
            let first = try #require(
                await bench.control.postgres.run(
                    """
                    SELECT moose.enqueue(
                        kind => 'work', payload => '{"module": "slugs", "n": [1, null, "é\\u0001"]}',
                        title => 'Write the module "slugs"', lane => 'default', project => 'textkit', agent => 'proposer',
                        estimated_cost_usd => 0.0300004, max_attempts => 3, timeout_seconds => 60,
                        run_at => now() - interval '1 hour', depends_on => '{}', complexity => 0.7, risk_level => 'high',
                        acceptance_criteria => '{"it compiles"}', files_in_scope => '{a.py}', metadata => '{"a": [1]}',
                        fields => '{"ticket": 17}', app_id => 'shop', reply_to => 'replies', correlation_id => 'c-1',
                        traceparent => '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')
                    """
                ).first
            ).decode(0, as: UUID.self)
            let consumer = try AMQPConsumer(configuration: try AMQPConfiguration(url: bench.amqpURL))
            try await consumer.connect()
            let queue = try await consumer.subscribe(to: MooseTopology.workQueue(lane: "default"), prefetch: 1)
            #expect(try await relay(bench).relayOnce() == 1)
            var batches = queue.batches.makeAsyncIterator()
            let delivery = try #require(await batches.next()?.deliveries.first)
            let properties = delivery.properties
            #expect(properties.messageID == first.uuidString.lowercased())
            #expect(properties.type == MessageType.workOrder && properties.contentType == "application/json")
            #expect([properties.appID, properties.replyTo, properties.correlationID] == ["shop", "replies", "c-1"])
            let body = String(decoding: delivery.body, as: UTF8.self)
            let schema = try JSONSchema(JSONValue(Repository.text("docs/schemas/work-order.v1.schema.json")))
            #expect(try schema.accepts(JSONValue(body)), "\(body)")
            #expect(body.contains(#""ticket": 17"#))
            // Not acknowledged: a worker gets it next.
            await consumer.close()
            let handlers = PoolScriptedHandler.registry { job in
                .completed(AttemptReport(didStart: true, cost: .zero, result: job.body))
            }
            try await bench.withPool(handlers) { _, _ in
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed'")
            }
            #expect(
                try await bench.count(
                    """
                    moose.work_orders WHERE id = '\(first)' AND result = body AND project = 'textkit'
                    AND estimate_u = 30001 AND max_attempts = 3 AND timeout_seconds = 60 AND app_id = 'shop'
                    AND reply_to = 'replies' AND correlation_id = 'c-1' AND traceparent LIKE '00-4bf9%'
                    """) == 1)
        }
    }

    @Test func `work for a lane that isn't there ends as a dead letter, not silently`() async throws {
        try await PoolBench.open { bench in
            _ = try await bench.control.postgres.run("SELECT moose.enqueue('work', lane => 'nobody')")
            #expect(try await relay(bench).relayOnce() == 1)
            try await eventually("the broker keeps it with the dead") {
                try await ready(MooseTopology.dead, bench) == 1
            }
        }
    }

    @Test func `work in the future waits for its second, also when no relay was there, and old times run at once`()
        async throws
    {
        try await PoolBench.open { bench in
            let handlers = PoolScriptedHandler.registry { _ in .completed(AttemptReport(didStart: true, cost: .zero)) }
            try await bench.withPool(handlers) { _, _ in
                _ = try await bench.control.postgres.run(
                    """
                    SELECT moose.enqueue('work', run_at => now() + interval '1 hour'),
                           moose.enqueue('work', run_at => '9999-12-31T23:59:59Z'),
                           moose.enqueue('work', run_at => '1970-01-01T00:00:00Z')
                    """)
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed'")
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'scheduled'")
            }
            // Nobody is there when its hour comes nearer; another process takes it.
            try await bench.control.postgres.runSimple(
                """
                UPDATE moose.work_orders SET run_at = now() + interval '1 second'
                WHERE state = 'scheduled' AND run_at < '9999-01-01'
                """)
            try await bench.withPool(handlers) { _, _ in
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'completed'")
            }
            #expect(
                try await bench.count(
                    "moose.work_orders WHERE state = 'completed' AND started_at >= run_at AND attempt = 1") == 2)
            #expect(try await bench.count("moose.waiting WHERE due > '9999-01-01'") == 1)
        }
    }
}
