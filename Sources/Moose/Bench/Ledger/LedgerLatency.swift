internal import LedgerClient
internal import Postgres
internal import Stack
internal import WorkOrders

/// How long one hold takes in a process where many ask one by one: an open loop, whose questions come when they come,
/// whatever the answers do.
struct LedgerLatency: Sendable {
    static let perSecond = 1000

    let bench: BenchStack
    let seconds: Int

    /// Milliseconds from the moment a question was due to its answer, sorted; and what was told.
    func measure() async throws -> (milliseconds: [Double], told: LedgerTally) {
        var configuration = PostgresConfiguration(url: bench.addresses.databaseURL)
        configuration.applicationName = "moose bench latency"
        let client = try PostgresClient(configuration: configuration, maxConnections: 1)
        let coalescer = LedgerCoalescer(LedgerBatch(client))
        let result: Result<([Double], LedgerTally), any Error>
        do {
            // The first statement is prepared before the time that counts.
            var told = LedgerTally()
            told.granted = try await hold(coalescer) ? 1 : 0
            var times = try await measure(coalescer)
            times.sort()
            let granted = times.prefix { $0 < .infinity }.count
            told.granted += granted
            told.wrong = times.count - granted
            told.held = 3 * told.granted
            result = .success((times, told))
        } catch {
            result = .failure(error)
        }
        await coalescer.close()
        await client.close()
        return try result.get()
    }

    private func measure(_ coalescer: LedgerCoalescer) async throws -> [Double] {
        try await withThrowingTaskGroup(of: Double.self) { group in
            let start = ContinuousClock.now
            for question in 0..<seconds * Self.perSecond {
                let due = start + .microseconds(question * 1_000_000 / Self.perSecond)
                try await Task.sleep(until: due, clock: .continuous)
                group.addTask {
                    try await hold(coalescer) ? (ContinuousClock.now - due).seconds * 1000 : .infinity
                }
            }
            return try await group.reduce(into: []) { times, time in times.append(time) }
        }
    }

    private func hold(_ coalescer: LedgerCoalescer) async throws -> Bool {
        let request = HoldRequest(
            name: HoldName(owner: .timeOrdered(), token: 0), estimate: MicroUSD(microdollars: 3), path: LedgerLoad.path)
        if case .granted(let grant) = try await coalescer.reserve(request) { return !grant.isReplay }
        return false
    }
}
