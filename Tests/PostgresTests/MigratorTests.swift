import TestSupport
import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(1))) struct `The migrator` {
    private let migrations = [
        Migration(id: 1, name: "first", sql: "CREATE TABLE moose.one (n int8); INSERT INTO moose.one VALUES (1);"),
        Migration(
            id: 2, name: "second",
            sql: """
                -- a function with its own quoting
                CREATE FUNCTION moose.two() RETURNS int8 LANGUAGE plpgsql AS $$ BEGIN RETURN 2; END $$;
                """),
    ]

    /// Functions over them: the first names the second, which is made after it, and the table has a trigger.
    private func functions(version: Int, answer: Int) -> FunctionSet {
        FunctionSet(
            version: version,
            files: [
                .init(
                    name: "total",
                    sql: """
                        CREATE OR REPLACE FUNCTION moose.total() RETURNS int8 LANGUAGE sql AS $$
                            SELECT moose.two() + moose.answer()
                        $$;
                        """),
                .init(
                    name: "answer",
                    sql: """
                        CREATE OR REPLACE FUNCTION moose.answer() RETURNS int8 LANGUAGE sql AS $$ SELECT \(answer)::int8 $$;
                        """),
                .init(
                    name: "counted",
                    sql: """
                        CREATE OR REPLACE FUNCTION moose.counted() RETURNS trigger LANGUAGE plpgsql AS $$
                        BEGIN
                            NEW.n := NEW.n + 1000;
                            RETURN NEW;
                        END $$;
                        CREATE OR REPLACE TRIGGER counted BEFORE INSERT ON moose.one
                            FOR EACH ROW EXECUTE FUNCTION moose.counted();
                        CREATE OR REPLACE FUNCTION public.door() RETURNS int8 LANGUAGE sql AS $$ SELECT moose.total() $$;
                        """),
            ], outside: ["public.door"])
    }

    private func wanted(_ migrations: [Migration], version: Int = 1, answer: Int = 40) -> DatabaseSchema {
        DatabaseSchema(migrations: migrations, functions: functions(version: version, answer: answer))
    }

    private var schema: DatabaseSchema { wanted(migrations) }

    private let nothing = SchemaChange(migrations: [], installsFunctions: false)

    private func withMigrator(_ body: (Migrator, PostgresClient) async throws -> Void) async throws {
        try await Server.withDatabase { url in
            try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 4) { client in
                try await body(Migrator(client: client), client)
            }
        }
    }

    @Test func `applies what is pending, once`() async throws {
        try await withMigrator { (migrator, client) async throws in
            let all = SchemaChange(migrations: migrations, installsFunctions: true)
            #expect(try await migrator.pending(schema) == all)
            #expect(try await client.value("SELECT to_regnamespace('moose') IS NULL", as: Bool.self), "only asked")
            #expect(try await migrator.apply(schema) == all)
            #expect(try await migrator.pending(schema) == nothing)
            #expect(try await migrator.apply(schema) == nothing)
            #expect(try await client.count("SELECT moose.total() + n FROM moose.one") == 43)
        }
    }

    @Test func `lets concurrent processes wait for each other`() async throws {
        try await withMigrator { migrator, _ in
            let changes = try await withThrowingTaskGroup(of: SchemaChange.self) { group in
                for _ in 0..<4 { group.addTask { try await migrator.apply(schema) } }
                return try await group.reduce(into: []) { changes, change in changes.append(change) }
            }
            #expect(changes.map(\.migrations.count).reduce(0, +) == 2)
            #expect(changes.count { $0.installsFunctions } == 1)
        }
    }

    @Test func `refuses a migration whose text was changed`() async throws {
        try await withMigrator { migrator, _ in
            try await migrator.apply(schema)
            let edited = wanted([migrations[0], Migration(id: 2, name: "second", sql: "SELECT 1")])
            await #expect(throws: MigrationError.changed(id: 2, name: "second")) { try await migrator.apply(edited) }
            await #expect(throws: MigrationError.changed(id: 2, name: "second")) { try await migrator.pending(edited) }
        }
    }

    @Test func `rolls back the one that fails and keeps those before it`() async throws {
        try await withMigrator { migrator, client in
            let broken = Migration(id: 3, name: "broken", sql: "CREATE TABLE moose.three (n int8); SELECT 1 / 0;")
            await #expect {
                try await migrator.apply(wanted(migrations + [broken]))
            } throws: { error in
                guard case .failed(id: 3, name: "broken", let error) = error as? MigrationError else { return false }
                return error.sqlState == "22012"
            }
            let result = try await client.run(
                "SELECT to_regclass('moose.one')::text, to_regclass('moose.three')::text")
            #expect(try result.first?.decode(0, as: String?.self) == "moose.one")
            #expect(try result.first?.decode(1, as: String?.self) == nil)
            #expect(try await migrator.pending(wanted(migrations + [broken])).migrations == [broken])
        }
    }

    @Test func `tolerates a newer schema`() async throws {
        try await withMigrator { migrator, _ in
            try await migrator.apply(schema)
            #expect(try await migrator.apply(wanted([migrations[0]])) == nothing)
        }
    }

    @Test func `refuses a list with a number twice`() async throws {
        try await withMigrator { migrator, _ in
            await #expect(throws: MigrationError.duplicate(id: 1)) {
                try await migrator.apply(wanted([migrations[0], migrations[0]]))
            }
        }
    }

    @Test func `an upgrade replaces the functions, and a release that was rolled back to leaves them`() async throws {
        try await withMigrator { (migrator, client) async throws in
            let (old, new) = (schema, wanted(migrations, version: 2, answer: 50))
            try await migrator.apply(old)
            #expect(try await migrator.apply(new) == SchemaChange(migrations: [], installsFunctions: true))
            #expect(try await client.count("SELECT moose.answer()") == 50)
            #expect(try await migrator.pending(old) == nothing)
            #expect(try await migrator.apply(old) == nothing)
            #expect(try await client.count("SELECT moose.answer()") == 50)
            #expect(try await migrator.apply(new) == nothing)
        }
    }

    @Test func `what is installed anew is sealed again`() async throws {
        try await withMigrator { (migrator, client) async throws in
            try await migrator.apply(schema)
            try await migrator.apply(wanted(migrations, version: 2, answer: 50))
            let open = try await client.count(
                """
                SELECT count(*) FROM pg_proc WHERE pronamespace = 'moose'::regnamespace
                AND (proconfig IS NULL OR has_function_privilege('public', oid, 'EXECUTE'))
                """)
            #expect(open == 0)
        }
    }

    @Test func `one broken function leaves the others as they were, and is named`() async throws {
        try await withMigrator { (migrator, client) async throws in
            try await migrator.apply(schema)
            let good = functions(version: 2, answer: 50).files
            let broken = FunctionSet(version: 2, files: good + [.init(name: "broken", sql: "SELECT 1 / 0")])
            await #expect {
                try await migrator.apply(DatabaseSchema(migrations: migrations, functions: broken))
            } throws: { error in
                guard case .functions(file: "broken", let error) = error as? MigrationError else { return false }
                return error.sqlState == "22012"
            }
            #expect(try await client.count("SELECT moose.answer()") == 40)
            #expect(try await migrator.apply(wanted(migrations, version: 2, answer: 50)).installsFunctions)
        }
    }

    @Test func `a migration that makes a table anew loses no trigger`() async throws {
        try await withMigrator { (migrator, client) async throws in
            try await migrator.apply(schema)
            let anew = Migration(id: 3, name: "anew", sql: "DROP TABLE moose.one; CREATE TABLE moose.one (n int8);")
            let change = try await migrator.apply(wanted(migrations + [anew]))
            #expect(change == SchemaChange(migrations: [anew], installsFunctions: true))
            try await client.runSimple("INSERT INTO moose.one VALUES (5)")
            #expect(try await client.count("SELECT n FROM moose.one") == 1005)
        }
    }

    @Test func `a trigger waits for its table without stopping those who write there`() async throws {
        try await withMigrator { (migrator, client) async throws in
            try await migrator.apply(schema)
            let upgrade = wanted(migrations, version: 2, answer: 50)
            let upgrading = try await client.withTransaction { transaction in
                try await transaction.runSimple("INSERT INTO moose.one VALUES (6)")
                let upgrading = Task { try await migrator.apply(upgrade) }
                try await eventually("the upgrade waits for the table") {
                    try await client.count(
                        "SELECT count(*) FROM pg_locks WHERE relation = 'moose.one'::regclass AND NOT granted") > 0
                }
                // Whoever comes now stands behind it, until it gives up and tries again later.
                try await client.runSimple("INSERT INTO moose.one VALUES (7)")
                return upgrading
            }
            #expect(try await upgrading.value.installsFunctions)
            #expect(try await client.count("SELECT moose.answer()") == 50)
        }
    }

    @Test func `what is left of a schema that was dropped halfway is named, and nothing is changed`() async throws {
        try await withMigrator { (migrator, client) async throws in
            try await migrator.apply(schema)
            try await client.runSimple("DROP SCHEMA moose CASCADE")
            let left = MigrationError.leftovers(
                ["function public.door()"], removal: "DROP FUNCTION public.door();")
            await #expect(throws: left) { try await migrator.apply(schema) }
            await #expect(throws: left) { try await migrator.pending(schema) }
            #expect(left.description.contains("`DROP FUNCTION public.door();`"))
            #expect(try await client.value("SELECT to_regnamespace('moose') IS NULL", as: Bool.self))

            try await client.runSimple("DROP FUNCTION public.door()")
            #expect(try await migrator.apply(schema).migrations == migrations)
        }
    }

    @Test func `a lost record of a schema that stands is told of`() async throws {
        try await withMigrator { (migrator, client) async throws in
            try await migrator.apply(schema)
            try await client.runSimple("DROP TABLE moose.schema_migrations")
            let left = await #expect(throws: MigrationError.self) { try await migrator.apply(schema) }
            guard case .leftovers(let objects, let removal) = left else {
                Issue.record("it failed otherwise: \(String(describing: left))")
                return
            }
            #expect(objects.contains("table moose.one") && objects.contains("function moose.two()"))
            #expect(removal == "DROP SCHEMA moose CASCADE; DROP FUNCTION public.door();")
            try await client.runSimple(removal)
            #expect(try await migrator.apply(schema).migrations == migrations)
        }
    }
}
