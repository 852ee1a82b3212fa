internal import Postgres

/// What a budget kept by a table lock and the sum of today's rows reaches: each hold waits for all others, and costs
/// more with every row of the day.
struct TableLockReference: Sendable {
    private let bench: BenchStack
    private let program: PgBench

    init(_ bench: BenchStack) throws {
        self.bench = bench
        program = try PgBench(bench)
    }

    /// Makes its own table, beside Moose's.
    func prepare() async throws {
        try await bench.withDatabase { database in
            try await database.runSimple(
                """
                CREATE SCHEMA IF NOT EXISTS bench;
                CREATE TABLE bench.costs (
                    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), service text NOT NULL, cost numeric NOT NULL,
                    created_at timestamptz NOT NULL DEFAULT now());
                CREATE INDEX costs_created_at ON bench.costs (created_at);
                CREATE FUNCTION bench.table_lock_hold(p_cost numeric, p_service text)
                RETURNS TABLE (can_proceed boolean, current_total numeric, reservation_id uuid)
                LANGUAGE plpgsql AS $$
                BEGIN
                    LOCK TABLE bench.costs IN SHARE ROW EXCLUSIVE MODE;
                    SELECT coalesce(sum(c.cost), 0) INTO current_total FROM bench.costs c
                    WHERE c.created_at >= date_trunc('day', now());
                    can_proceed := current_total + p_cost <= 1000000;
                    IF can_proceed THEN
                        INSERT INTO bench.costs (service, cost) VALUES (p_service, p_cost)
                        RETURNING id INTO reservation_id;
                    END IF;
                    RETURN NEXT;
                END $$;
                """)
        }
    }

    /// Holds a second, and the check that there is a row for each.
    /// - Parameter rows: how many the day has when the measurement starts.
    func measure(round: Int, rows: Int, seconds: Int) async throws -> (rate: Double, check: BenchCheck) {
        try await bench.withDatabase { database in
            try await database.runSimple(
                """
                TRUNCATE bench.costs;
                INSERT INTO bench.costs (service, cost) SELECT 'bench', 0.0001 FROM generate_series(1, \(rows));
                ANALYZE bench.costs
                """)
        }
        let run = try await program.run("SELECT * FROM bench.table_lock_hold(0.0001, 'bench');", seconds: seconds)
        let found = try await bench.withDatabase { database in
            Int(try await database.run("SELECT count(*) FROM bench.costs").first?.decode(0, as: Int64.self) ?? 0)
        }
        return (
            run.rate,
            BenchCheck(
                name: "table lock: a row a hold", round: round, expected: rows + run.transactions, found: found)
        )
    }
}
