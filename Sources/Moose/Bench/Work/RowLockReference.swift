internal import Postgres

/// What a budget kept by a row lock reaches on the same Postgres: one hot row and one hold a transaction, by pgbench.
struct RowLockReference: Sendable {
    private let bench: BenchStack
    private let program: PgBench

    /// - Throws: ``CommandFailure`` when there is no pgbench.
    init(_ bench: BenchStack) throws {
        self.bench = bench
        program = try PgBench(bench)
    }

    /// Makes its own tables, beside Moose's.
    func prepare() async throws {
        try await bench.withDatabase { database in
            try await database.runSimple(
                """
                CREATE SCHEMA IF NOT EXISTS bench;
                CREATE TABLE bench.budget (id integer PRIMARY KEY, used bigint NOT NULL, cap bigint NOT NULL);
                INSERT INTO bench.budget VALUES (1, 0, 1000000000);
                CREATE TABLE bench.holds (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, amount bigint NOT NULL);
                CREATE FUNCTION bench.hold() RETURNS void LANGUAGE plpgsql AS $$
                BEGIN
                    UPDATE bench.budget SET used = used + 1 WHERE id = 1 AND used + 1 <= cap;
                    IF NOT FOUND THEN RAISE EXCEPTION 'over the cap'; END IF;
                    INSERT INTO bench.holds (amount) VALUES (1);
                END $$;
                """)
        }
    }

    /// Holds a second, and the check that none is missing or counted twice.
    func measure(round: Int, seconds: Int = 5) async throws -> (rate: Double, check: BenchCheck) {
        let run = try await program.run("SELECT bench.hold();", seconds: seconds)
        let (used, holds) = try await bench.withDatabase { database in
            let row = try await database.run(
                "SELECT (SELECT used FROM bench.budget), (SELECT count(*) FROM bench.holds)"
            ).first
            return (Int(try row?.decode(0, as: Int64.self) ?? 0), Int(try row?.decode(1, as: Int64.self) ?? 0))
        }
        return (run.rate, BenchCheck(name: "reference: used equals holds", round: round, expected: used, found: holds))
    }
}
