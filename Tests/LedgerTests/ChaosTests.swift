import Postgres
import TestSupport
import Testing

/// As `Concurrent histories`, while backends are killed and clients hang up. Who lost the answer asks again with the
/// same names: the journal may then have a request twice, and the second must have changed nothing.
@Suite(.timeLimit(.minutes(10))) struct `Concurrent histories with crashes` {
    private static let victims = "moose-ledger-victim"

    @Test func `have a serial order too, in which nothing takes effect twice`() async throws {
        var seeds = SplitMix64.seeded()
        try await LedgerDatabase.open(connections: 2) { admin, url in
            try await LedgerDatabase.withClient(of: url, name: Self.victims, connections: 8) { client in
                let killer = Task { try await Self.kill(by: admin, seed: 1) }
                defer { killer.cancel() }
                var repeated = 0
                for number in 1...LedgerDatabase.histories(20) {
                    let seed = seeds.next()
                    let history = ConcurrentHistory(seed: seed, clients: 8)
                    let (fault, entries) = try await admin.withConnection { connection in
                        let fault = try await history.play(on: connection) { request in
                            try await Self.stubbornly(request, on: client, seed: seed)
                        }
                        return (fault, try await connection.run("SELECT count(*) FROM journal.entries").first)
                    }
                    if let fault {
                        Issue.record("history \(number) (seed \(seed)): \(fault)")
                        return
                    }
                    repeated += Int(try entries?.decode(0, as: Int64.self) ?? 0) - history.clients.joined().count
                }
                #expect(repeated > 0, "no request ever took effect without its client hearing of it")
            }
        }
    }

    /// Every so often hangs up in the middle of a request and asks again.
    private static func stubbornly(_ request: Request, on client: PostgresClient, seed: UInt64) async throws -> String {
        var random = SplitMix64(seed: seed &+ UInt64(request.number))
        while Int.random(in: 0..<4, using: &random) == 0 {
            let attempt = Task {
                try await client.withConnection(reusable: false) { connection in
                    try await request.once(on: connection)
                }
            }
            let patience = Duration.microseconds(Int.random(in: 0...3000, using: &random))
            let impatience = Task {
                try await Task.sleep(for: patience)
                attempt.cancel()
            }
            // Whatever it answered, or whether, is forgotten: the client is gone.
            _ = await attempt.result
            impatience.cancel()
        }
        return try await request.run(on: client)
    }

    private static func kill(by admin: PostgresClient, seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        while !Task.isCancelled {
            try await Task.sleep(for: .microseconds(Int.random(in: 1000...15_000, using: &random)))
            _ = try await admin.run(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = \(victims) AND state = 'active'
                  -- Rarely one that is only being set up, or nobody would ever get as far as a statement.
                  AND (query LIKE '%moose.%' OR random() < 0.05)
                ORDER BY random() LIMIT 1
                """)
        }
    }
}
