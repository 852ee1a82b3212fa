import DatabaseSupport
import Postgres
import Store
import Testing

/// Somebody dropped part of a schema: `moose migrate` says what is left and what removes it, and touches nothing.
struct HalfDroppedSchemaTests {
    /// What `moose migrate` finds left, and the SQL it names.
    private static func leftovers(_ database: MooseDatabase) async throws -> (objects: [String], removal: String) {
        let migrator = Migrator(client: database.client)
        let refused = await #expect(throws: MigrationError.self) { try await migrator.apply(.moose) }
        let foreseen = await #expect(throws: MigrationError.self) { try await migrator.pending(.moose) }
        #expect(refused == foreseen, "a dry run says the same")
        guard case .leftovers(let objects, let removal) = try #require(refused) else {
            Issue.record("it failed otherwise: \(String(describing: refused))")
            return ([], "")
        }
        #expect(refused?.description.contains("`\(removal)`") == true)
        return (objects, removal)
    }

    @Test func `the schema is gone, and its functions for other services are left`() async throws {
        try await MooseDatabase.open { database in
            try await database.run("DROP SCHEMA moose CASCADE")
            let (objects, removal) = try await Self.leftovers(database)
            #expect(objects.count == 4)
            #expect(objects.contains("function public.cancel_budget(uuid)"))
            #expect(removal.hasPrefix("DROP FUNCTION public."))
            #expect(try await database.value("SELECT to_regnamespace('moose') IS NULL", as: Bool.self))

            try await database.run(removal)
            let change = try await Migrator(client: database.client).apply(.moose)
            #expect(change.migrations.count == Migrations.all.count && change.installsFunctions)
        }
    }

    @Test func `the record of what was applied is gone, and the tables are left`() async throws {
        try await MooseDatabase.open { database in
            try await database.run("DROP TABLE moose.schema_migrations")
            let (objects, removal) = try await Self.leftovers(database)
            #expect(objects.contains("table moose.work_orders"))
            #expect(removal.hasPrefix("DROP SCHEMA moose CASCADE; DROP FUNCTION public."))
            #expect(try await database.value("SELECT to_regclass('moose.schema_migrations') IS NULL", as: Bool.self))
            #expect(try await database.count("moose.installation") == 1, "nothing was changed")

            try await database.run(removal)
            #expect(try await Migrator(client: database.client).apply(.moose).installsFunctions)
        }
    }

    @Test func `an empty schema of that name is no remainder`() async throws {
        try await MooseDatabase.open { database in
            try await database.run("DROP SCHEMA moose CASCADE")
            let (_, removal) = try await Self.leftovers(database)
            try await database.run("\(removal) CREATE SCHEMA moose")
            #expect(try await Migrator(client: database.client).apply(.moose).installsFunctions)
        }
    }
}
