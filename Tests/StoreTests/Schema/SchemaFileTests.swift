import DatabaseSupport
import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing

/// The files of the schema: every one is in the program, each thing is in one place, and all fit together.
struct SchemaFileTests {
    private static func files(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: Repository.path("Sources/Shared/Store/\(folder)")).sorted()
    }

    @Test func `the migrations are numbered from one without a gap`() {
        #expect(Migrations.all.map(\.id) == Array(1...Migrations.all.count))
    }

    @Test func `the program holds every file of tables, under its number and name`() throws {
        let listed = Migrations.all.map { migration in
            let number = String("000\(migration.id)".suffix(4))
            return "\(number)_\(migration.name.replacing(" ", with: "_")).sql"
        }
        #expect(try Self.files("Schema") == listed)
        for (name, migration) in zip(listed, Migrations.all) {
            #expect(try Repository.text("Sources/Shared/Store/Schema/\(name)") == migration.sql)
        }
    }

    @Test func `the program holds every file of functions`() throws {
        #expect(try Self.files("Functions") == Functions.all.files.map { "\($0.name).sql" }.sorted())
        for file in Functions.all.files {
            #expect(try Repository.text("Sources/Shared/Store/Functions/\(file.name).sql") == file.sql)
        }
    }

    @Test func `a reader finds each function, trigger and view once`() throws {
        var places: [String: [String]] = [:]
        let made = #/CREATE (?:OR REPLACE )?(?:FUNCTION|TRIGGER|VIEW) ([a-z_0-9.]+)/#
        let sources =
            Functions.all.files.map { ($0.name, $0.sql) } + Migrations.all.map { ($0.name, $0.sql) }
        for (name, sql) in sources {
            for match in sql.matches(of: made) { places[String(match.output.1), default: []].append(name) }
        }
        #expect(places.count > 150)
        for (what, files) in places where files.count > 1 { Issue.record("\(what) is in \(files)") }
    }

    @Test func `nothing is dropped and made again: roles would lose what they were granted`() {
        let sets = Functions.all.files.map(\.sql).joined(separator: "\n")
        // By how many arguments each takes: one that takes more is another function.
        func signature(_ name: Substring, _ arguments: Substring?) -> String {
            "\(name) \(arguments.map { $0.split(separator: ",").count } ?? 0)"
        }
        let made = Set(
            sets.matches(of: #/CREATE OR REPLACE (?:FUNCTION|VIEW) ([a-z_0-9.]+)(?:\(([^()]*)\))?/#).map {
                signature($0.output.1, $0.output.2)
            })
        let dropped = sets.matches(
            of: #/DROP (?:FUNCTION|VIEW) (?:IF EXISTS )?([a-z_0-9.]+)(?:\(([^()]*)\))?/#
        ).map { signature($0.output.1, $0.output.2) }
        #expect(made.count > 150 && dropped.count > 3)
        #expect(dropped.filter(made.contains) == [])
    }

    @Test func `functions are made again and again, and tables once`() {
        for file in Functions.all.files {
            let once = file.sql.contains(#/CREATE (FUNCTION|TRIGGER|VIEW|TABLE|INDEX|TYPE) /#)
            #expect(!once, "\(file.name) can't run twice")
        }
    }

    @Test func `no line of SQL is longer than 120 columns`() {
        for (name, sql) in Functions.all.files.map({ ($0.name, $0.sql) }) + Migrations.all.map({ ($0.name, $0.sql) }) {
            for line in sql.split(separator: "\n") where line.count > 120 { Issue.record("\(name): \(line)") }
        }
    }

    @Test func `every body is right, though none is checked while the set is installed`() async throws {
        try await MooseDatabase.open { database in
            let checked = try await database.value(
                """
                SELECT count(CASE l.lanname WHEN 'sql' THEN fmgr_sql_validator(p.oid) ELSE plpgsql_validator(p.oid) END)
                FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
                WHERE p.pronamespace = 'moose'::regnamespace
                """, as: Int64.self)
            #expect(checked > 100)
        }
    }

    @Test func `a limit that is only known when it runs never has a whole table read`() async throws {
        try await MooseDatabase.open { database in
            // The planner takes such a limit for a tenth of the table, and then reads all of it for each piece.
            let rows = try await database.client.run(
                """
                SELECT p.proname::text, coalesce(p.proconfig, '{}') @> ARRAY['enable_seqscan=off', 'enable_hashjoin=off',
                                                                       'enable_mergejoin=off']
                FROM pg_proc p
                WHERE p.pronamespace = 'moose'::regnamespace AND p.prosrc ~ 'LIMIT (CASE[^)]* )?[pv]_'
                """
            ).rows
            let limited = try rows.decode((String, Bool).self)
            #expect(limited.count > 12)
            #expect(limited.filter { !$0.1 }.map(\.0) == [])
        }
    }

    @Test func `what stands outside of the schema is known, so that what is left of it is found`() async throws {
        try await MooseDatabase.open { database in
            let rows = try await database.client.run(
                "SELECT 'public.' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1"
            ).rows
            #expect(try rows.decode(String.self) == Functions.all.outside.sorted())
        }
    }
}
