import Postgres
import Synchronization
import TestSupport
import Testing

/// Whatever many clients do at once, there is an order in which the model gives every one of them the same answers. So
/// nothing is granted beyond a cap or twice, and nothing is refused that fitted.
@Suite(.timeLimit(.minutes(10))) struct `Concurrent histories` {
    @Test func `have a serial order that explains every answer`() async throws {
        var seeds = SplitMix64.seeded()
        try await LedgerDatabase.open(connections: 17) { client, _ in
            try await client.withConnection { connection in
                for number in 1...LedgerDatabase.histories(60) {
                    let seed = seeds.next()
                    let history = ConcurrentHistory(seed: seed, clients: number.isMultiple(of: 4) ? 16 : 8)
                    let retries = Mutex<[PostgresError]>([])
                    let fault = try await history.play(on: connection) { request in
                        try await request.run(on: client) { error in
                            retries.withLock { retries in retries.append(error) }
                        }
                    }
                    if let fault {
                        Issue.record("history \(number) (seed \(seed)): \(fault)")
                        return
                    }
                    // Locks are taken in one order, so nobody has to give way but to an operator's new budget.
                    if !history.isManaged { #expect(retries.withLock { retries in retries } == [], "seed \(seed)") }
                    if number.isMultiple(of: 50) { try await connection.runSimple("VACUUM moose.budget_buckets") }
                }
            }
        }
    }
}
