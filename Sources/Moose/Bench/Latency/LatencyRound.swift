internal import AMQP
internal import FoundationEssentials

/// One round of `moose bench latency`: how long it takes from publishing an order to the start of its handler.
struct LatencyRound: Sendable {
    /// What was measured, in milliseconds, sorted.
    struct Times: Sendable {
        let idle: [Double]
        let loaded: [Double]
        /// Of all orders, those before the measured time included.
        let ids: [UUID]
    }

    /// Orders whose time does not count: statements are prepared and plans made.
    private static let warmUp = 20

    let bench: BenchStack
    let worker: BenchWorker
    /// Orders a second under load.
    let rate: Int
    /// Of each situation.
    let seconds: Int

    func measure() async throws -> Times {
        let handler = StartsHandler()
        return try await bench.withPublisher { publisher in
            try await worker.run(handler) {
                // With a minute to spare: of a worker that stands still nobody would be told.
                try await within(.seconds(2 * seconds + 60)) {
                    let first = try await oneByOne(publisher, handler) { $0 < Self.warmUp }
                    let end = ContinuousClock.now + .seconds(seconds)
                    let idle = try await oneByOne(publisher, handler) { $0 == 0 || ContinuousClock.now < end }
                    let loaded = try await openLoop(publisher, handler)
                    return Times(
                        idle: idle.times.sorted(), loaded: loaded.times.sorted(),
                        ids: first.ids + idle.ids + loaded.ids)
                }
            }
        }
    }

    /// Each order comes after the one before was handled, and a pause of a random length: so none finds the worker in
    /// the middle of a finish, nor in step with anything that is periodic.
    private func oneByOne(
        _ publisher: AMQPPublisher, _ handler: StartsHandler, while goesOn: (Int) -> Bool
    ) async throws -> (times: [Double], ids: [UUID]) {
        var times: [Double] = []
        var ids: [UUID] = []
        while goesOn(times.count) {
            try await Task.sleep(for: .microseconds(Int.random(in: 10_000...30_000)))
            let order = BenchOrders(count: 1)
            let handed = ContinuousClock.now
            try await publisher.publish(order.messages)
            let start = try await handler.next()
            guard start.id == order.ids[0] else {
                throw CommandFailure("the figures don't count", why: "a job began that was not published just now")
            }
            times.append((start.at - handed).seconds * 1000)
            ids.append(start.id)
        }
        return (times, ids)
    }

    /// The orders come when they come, whatever the worker does. What counts is the moment an order was due, so that a
    /// stall is seen in all that it delays.
    private func openLoop(
        _ publisher: AMQPPublisher, _ handler: StartsHandler
    ) async throws -> (times: [Double], ids: [UUID]) {
        let orders = BenchOrders(count: rate * seconds)
        let began = ContinuousClock.now
        var due: [UUID: ContinuousClock.Instant] = [:]
        for (index, id) in orders.ids.enumerated() { due[id] = began + .microseconds(index * 1_000_000 / rate) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, message) in orders.messages.enumerated() {
                try await Task.sleep(until: began + .microseconds(index * 1_000_000 / rate), clock: .continuous)
                group.addTask { try await publisher.publish([message]) }
            }
            try await group.waitForAll()
        }
        var times: [Double] = []
        while times.count < orders.ids.count {
            let start = try await handler.next()
            guard let moment = due.removeValue(forKey: start.id) else {
                throw CommandFailure("the figures don't count", why: "a job began twice")
            }
            times.append((start.at - moment).seconds * 1000)
        }
        return (times, orders.ids)
    }

    private func within<Value: Sendable>(
        _ limit: Duration, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            guard let value = try await group.next() ?? nil else {
                throw CommandFailure(
                    "the worker did not begin every job", why: "\(limit) have passed", next: "Give a lower --rate")
            }
            return value
        }
    }
}
