import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(1))) struct `The migrator` {
    private let migrations = [
        Migration(id: 1, name: "first", sql: "CREATE TABLE public.one (n int8); INSERT INTO public.one VALUES (1);"),
        Migration(
            id: 2, name: "second",
            sql: """
                -- a function with its own quoting
                CREATE FUNCTION public.two() RETURNS int8 LANGUAGE plpgsql AS $$ BEGIN RETURN 2; END $$;
                """),
    ]

    private func withMigrator(_ body: (Migrator, PostgresClient) async throws -> Void) async throws {
        try await Server.withDatabase { url in
            try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 4) { client in
                try await body(Migrator(client: client), client)
            }
        }
    }

    @Test func `applies what is pending, once`() async throws {
        try await withMigrator { (migrator, client) async throws in
            #expect(try await migrator.pending(migrations) == migrations)
            #expect(try await migrator.apply(migrations) == migrations)
            #expect(try await migrator.pending(migrations) == [])
            #expect(try await migrator.apply(migrations) == [])
            #expect(try await client.run("SELECT public.two() + n FROM public.one").first?.decode(0, as: Int.self) == 3)
        }
    }

    @Test func `lets concurrent processes wait for each other`() async throws {
        try await withMigrator { migrator, _ in
            let applied = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 { group.addTask { try await migrator.apply(migrations).count } }
                return try await group.reduce(into: []) { counts, count in counts.append(count) }
            }
            #expect(applied.reduce(0, +) == 2)
        }
    }

    @Test func `refuses a migration whose text was changed`() async throws {
        try await withMigrator { migrator, _ in
            try await migrator.apply(migrations)
            let edited = [migrations[0], Migration(id: 2, name: "second", sql: "SELECT 1")]
            await #expect(throws: MigrationError.changed(id: 2, name: "second")) { try await migrator.apply(edited) }
            await #expect(throws: MigrationError.changed(id: 2, name: "second")) { try await migrator.pending(edited) }
        }
    }

    @Test func `rolls back the one that fails and keeps those before it`() async throws {
        try await withMigrator { migrator, client in
            let broken = Migration(id: 3, name: "broken", sql: "CREATE TABLE public.three (n int8); SELECT 1 / 0;")
            await #expect {
                try await migrator.apply(migrations + [broken])
            } throws: { error in
                guard case .failed(id: 3, name: "broken", let error) = error as? MigrationError else { return false }
                return error.sqlState == "22012"
            }
            let result = try await client.run(
                "SELECT to_regclass('public.one')::text, to_regclass('public.three')::text")
            #expect(try result.first?.decode(0, as: String?.self) == "public.one")
            #expect(try result.first?.decode(1, as: String?.self) == nil)
            #expect(try await migrator.pending(migrations + [broken]) == [broken])
        }
    }

    @Test func `tolerates a newer schema unless told to refuse it`() async throws {
        try await withMigrator { migrator, _ in
            try await migrator.apply(migrations)
            #expect(try await migrator.apply([migrations[0]]) == [])
            await #expect(throws: MigrationError.newerSchema(database: 2, program: 1)) {
                try await migrator.apply([migrations[0]], refusesNewerSchema: true)
            }
        }
    }

    @Test func `refuses a list with a number twice`() async throws {
        try await withMigrator { migrator, _ in
            await #expect(throws: MigrationError.duplicate(id: 1)) {
                try await migrator.apply([migrations[0], migrations[0]])
            }
        }
    }
}
