internal import AMQP
internal import FoundationEssentials
internal import Logging
internal import Postgres
internal import Stack
internal import Store
internal import WorkOrders
internal import Worker

/// One round of `moose bench work`: a full queue, one worker process, until every row is completed.
struct WorkRound: Sendable {
    let bench: BenchStack
    let orders: BenchOrders
    let slots: Int
    let logger: Logger

    /// Work orders a second, from the start of the worker to the last end in Postgres.
    func measure() async throws -> Double {
        try await bench.withPublisher { try await $0.publish(orders.messages, deadline: .seconds(300)) }
        let connections = try await open()
        let handler = NoOpHandler()
        var handlers = HandlerRegistry()
        handlers.register(BenchOrders.kind, .init(handler))
        let pool = WorkerPool(
            WorkerConfiguration(lanes: [.init(name: BenchStack.lane, slots: slots)]), handlers: handlers,
            store: connections.store, control: connections.control, consumer: connections.consumer,
            publisher: connections.publisher, logger: logger)
        let (stop, continuation) = AsyncStream<Void>.makeStream()
        let result: Result<Double, any Error>
        do {
            result = .success(
                try await bench.withDatabase { database in
                    try await database.connect()
                    return try await withThrowingTaskGroup(of: Void.self) { group in
                        let started = ContinuousClock.now
                        group.addTask { try await pool.run(until: stop) }
                        defer { continuation.finish() }
                        try await waitForEnd(handler, database)
                        return Double(orders.ids.count) / (ContinuousClock.now - started).seconds
                    }
                })
        } catch {
            result = .failure(error)
        }
        await connections.close()
        return try result.get()
    }

    /// Looks at the database only once every handler has run, so that looking costs the worker nothing.
    private func waitForEnd(_ handler: NoOpHandler, _ database: PostgresClient) async throws {
        let last = orders.ids.count
        var progress = (count: -1, at: ContinuousClock.now)
        while true {
            var done = handler.count
            if done >= last {
                // The last id is not the last end: all of them are counted.
                let row = try await database.run(
                    "SELECT count(*) FROM moose.work_orders WHERE state = 'completed' AND id = ANY (\(orders.ids))"
                ).first
                let completed = Int(try row?.decode(0, as: Int64.self) ?? 0)
                if completed == last { return }
                done += completed
            }
            if done > progress.count { progress = (done, .now) }
            guard ContinuousClock.now - progress.at < .seconds(30) else {
                throw CommandFailure(
                    "the worker stands still", why: "\(handler.count) handlers ran for \(last) work orders")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// What must be true afterwards, to the cent.
    func checks(round: Int) async throws -> [BenchCheck] {
        let count = orders.ids.count
        let cost = count * Int(BenchOrders.cost.microdollars)
        return try await bench.withDatabase { database in
            let row = try await database.run(
                Query(
                    """
                    SELECT (SELECT count(*) FROM moose.work_orders WHERE state = 'completed' AND id = ANY ($1)),
                           (SELECT count(*) FROM moose.outcome_vectors WHERE success AND work_order_id = ANY ($1)),
                           (SELECT count(*) FROM moose.outcome_vectors WHERE work_order_id = ANY ($1)),
                           (SELECT coalesce(sum(amount_u), 0)::bigint FROM moose.cost_tracking WHERE owner = ANY ($1)),
                           (SELECT coalesce(sum(held_u), 0)::bigint FROM moose.budget_buckets),
                           (SELECT count(*) FROM moose.reconcile())
                    """, parameters: [Parameter(orders.ids)])
            ).first
            func value(_ column: Int) throws -> Int { Int(try row?.decode(column, as: Int64.self) ?? -1) }
            func check(_ name: String, _ expected: Int, _ column: Int) throws -> BenchCheck {
                BenchCheck(name: name, round: round, expected: expected, found: try value(column))
            }
            return [
                try check("work orders completed", count, 0),
                try check("attempts that succeeded", count, 1),
                try check("attempts in all", count, 2),
                try check("posted, in micro-USD", cost, 3),
                try check("still held, in micro-USD", 0, 4),
                try check("differences of reconcile", 0, 5),
            ]
        }
    }

    private func open() async throws -> Connections {
        var database = PostgresConfiguration(url: bench.addresses.databaseURL)
        database.applicationName = "moose worker"
        let writer = try PostgresClient(configuration: database, maxConnections: 1, logger: logger)
        let control = try PostgresClient(configuration: database, maxConnections: 2, logger: logger)
        var broker = try AMQPConfiguration(url: bench.addresses.amqpURL)
        broker.connectionName = "moose worker"
        let publisher = try AMQPPublisher(configuration: broker, topology: bench.topology, logger: logger)
        let consumer = try AMQPConsumer(configuration: broker, topology: bench.topology, logger: logger)
        let connections = Connections(
            store: Store(writer), control: Store(control), publisher: publisher, consumer: consumer)
        do {
            try await writer.connect()
            try await publisher.connect()
            try await consumer.connect()
        } catch {
            await connections.close()
            throw error
        }
        return connections
    }
}
