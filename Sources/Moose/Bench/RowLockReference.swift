internal import FoundationEssentials
internal import Postgres
internal import Stack

/// What a budget kept by a row lock reaches on the same Postgres: one hot row and one hold a transaction, by pgbench.
struct RowLockReference: Sendable {
    let bench: BenchStack
    private let pgbench: String

    /// - Throws: ``CommandFailure`` when there is no pgbench.
    init(_ bench: BenchStack) throws {
        self.bench = bench
        pgbench = try Self.findProgram()
    }

    /// Makes its own tables, beside Moose's.
    func prepare() async throws {
        try await bench.withDatabase { database in
            try await database.runSimple(
                """
                CREATE SCHEMA bench;
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

    /// Holds a second, measured for 5 s, and the check that none is missing or counted twice.
    func measure(round: Int) async throws -> (rate: Double, check: BenchCheck) {
        let script = "\(bench.folder)/hold.sql"
        try Data("SELECT bench.hold();\n".utf8).write(to: URL(filePath: script))
        // The URL with its password travels in the environment: arguments can be seen by everybody.
        let output = try await BenchProgram(
            program: pgbench, arguments: ["-n", "-c", "8", "-j", "2", "-T", "5", "-f", script],
            environment: try bench.stack.environment()
        ).run()
        guard let line = output.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
            let rate = line.split(separator: " ").dropFirst(2).first.flatMap({ Double($0) })
        else { throw CommandFailure("pgbench did not say its rate", why: output) }
        let (used, holds) = try await bench.withDatabase { database in
            let row = try await database.run(
                "SELECT (SELECT used FROM bench.budget), (SELECT count(*) FROM bench.holds)"
            ).first
            return (Int(try row?.decode(0, as: Int64.self) ?? 0), Int(try row?.decode(1, as: Int64.self) ?? 0))
        }
        return (rate, BenchCheck(name: "reference: used equals holds", round: round, expected: used, found: holds))
    }

    private static func findProgram() throws -> String {
        let root = "/usr/lib/postgresql"
        // Without the folder the list is empty, and the error below says what is missing.
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
        for version in versions.sorted(by: >) {
            let path = "\(root)/\(version)/bin/pgbench"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw CommandFailure(
            "pgbench is missing", why: "there is none in \(root)/*/bin", next: "Install PostgreSQL's server package")
    }
}
