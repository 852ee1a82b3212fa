internal import FoundationEssentials
internal import Postgres
internal import Stack

/// The ledger under measurement: emptied before each, audited after it.
struct LedgerRig: Sendable {
    /// Nothing is refused below it.
    static let endless = 1_000_000_000_000_000

    let bench: BenchStack

    /// An empty ledger with three scopes of two periods each, all of which every hold counts against.
    /// - Parameter cap: of the organisation's day, in micro-USD.
    func reset(cap: Int = endless) async throws {
        try await bench.withDatabase { database in
            // The ledger is append-only for everybody else.
            try await database.runSimple(
                """
                ALTER TABLE moose.cost_tracking DISABLE TRIGGER cost_tracking_append_only;
                TRUNCATE moose.budget_holds, moose.cost_tracking, moose.budget_buckets, moose.outbox;
                ALTER TABLE moose.cost_tracking ENABLE TRIGGER cost_tracking_append_only;
                DELETE FROM moose.budget_policies;
                INSERT INTO moose.budget_policies (scope, name, period, kill_u)
                SELECT s.scope, s.name, p.period,
                       CASE WHEN s.scope = 'org' AND p.period = 'day' THEN \(cap) ELSE \(Self.endless) END
                FROM (VALUES ('org', 'org'), ('project', 'bench'), ('agent', 'bench')) AS s (scope, name),
                     (VALUES ('day'), ('month')) AS p (period)
                """)
        }
    }

    /// Runs so many processes at once, each for so many seconds from the same moment.
    func run(_ kind: LedgerLoad.Kind, processes: Int, size: Int, seconds: Int) async throws -> LedgerTally {
        let program = BenchProgram(
            program: "/proc/self/exe",
            arguments: [
                "bench", "ledger-client", "--kind", kind.rawValue, "--batch", "\(size)", "--seconds", "\(seconds)",
            ], environment: [(LedgerClientCommand.urlVariable, bench.addresses.databaseURL)])
        return try await bench.withDatabase { database in
            try await database.withConnection(reusable: false) { connection in
                let barrier = LedgerClientCommand.barrier
                _ = try await connection.run("SELECT pg_advisory_lock(\(barrier))")
                return try await withThrowingTaskGroup(of: LedgerTally.self) { group in
                    for _ in 0..<processes {
                        group.addTask {
                            try JSONDecoder().decode(LedgerTally.self, from: Data(try await program.run().utf8))
                        }
                    }
                    try await waitForClients(processes, connection)
                    _ = try await connection.run("SELECT pg_advisory_unlock(\(barrier))")
                    var tallies: [LedgerTally] = []
                    for try await tally in group { tallies.append(tally) }
                    return LedgerTally(tallies)
                }
            }
        }
    }

    private func waitForClients(_ count: Int, _ connection: PostgresConnection) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            let row = try await connection.run(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            ).first
            if try row?.decode(0, as: Int64.self) == Int64(count) { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw CommandFailure("the \(count) clients did not start within a minute", next: "Run this on an idle machine")
    }

    /// What must be true of the tables after clients were told this.
    func checks(_ name: String, round: Int, told: LedgerTally) async throws -> [BenchCheck] {
        try await bench.withDatabase { database in
            let row = try await database.run(
                """
                SELECT (SELECT count(*) FROM moose.budget_holds h
                        WHERE cardinality(h.bucket_ids) = 6 AND cardinality(h.caps_u) = 6),
                       (SELECT coalesce(sum(h.estimate_u), 0)::bigint FROM moose.budget_holds h
                        WHERE h.state IN ('held', 'dispatched')),
                       (SELECT coalesce(min(b.held_u), 0) FROM moose.budget_buckets b),
                       (SELECT coalesce(max(b.held_u), 0) FROM moose.budget_buckets b),
                       (SELECT coalesce(min(b.posted_u), 0) FROM moose.budget_buckets b),
                       (SELECT count(*) FROM moose.budget_buckets b JOIN moose.budget_limits l ON l.id = b.policy_id
                        WHERE b.held_u + b.posted_u > l.cap_u),
                       (SELECT count(*) FROM moose.reconcile())
                """
            ).first
            func check(_ what: String, _ expected: Int, _ column: Int) throws -> BenchCheck {
                BenchCheck(
                    name: "\(name): \(what)", round: round, expected: expected,
                    found: Int(try row?.decode(column, as: Int64.self) ?? -1))
            }
            return [
                BenchCheck(name: "\(name): wrong answers", round: round, expected: 0, found: told.wrong),
                try check("holds", told.granted, 0),
                try check("in open holds, micro-USD", told.held, 1),
                try check("held in the least bucket, micro-USD", told.held, 2),
                try check("held in the fullest bucket, micro-USD", told.held, 3),
                try check("posted, micro-USD", told.posted, 4),
                try check("buckets above their cap", 0, 5),
                try check("differences of reconcile", 0, 6),
            ]
        }
    }
}
