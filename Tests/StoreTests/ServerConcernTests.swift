import Postgres
import Store
import TestSupport
import Testing

struct ServerConcernTests {
    private func names(_ change: (inout ServerFacts) -> Void, sessions: Int = 5) -> [String] {
        var facts = ServerFacts()
        facts.settings = ServerFacts.expected
        change(&facts)
        return ServerConcern.all(facts, sessions: sessions).map { "\($0.name) \($0.weight)" }
    }

    @Test func `a server as it should be gives no concern`() { #expect(names { _ in } == []) }

    @Test func `what loses acknowledged work is refused, what only hurts is not`() {
        #expect(names { $0.settings["fsync"] = "off" } == ["fsync refusal"])
        #expect(names { $0.settings["full_page_writes"] = "off" } == ["full_page_writes refusal"])
        #expect(names { $0.settings["zero_damaged_pages"] = "on" } == ["zero_damaged_pages refusal"])
        #expect(names { $0.settings["ignore_checksum_failure"] = "on" } == ["ignore_checksum_failure refusal"])
        #expect(names { $0.version = 140_011 } == ["version refusal"])
        #expect(names { $0.settings["autovacuum"] = "off" } == ["autovacuum warning"])
        #expect(names { $0.settings["track_counts"] = "off" } == ["track_counts warning"])
        #expect(names { $0.settings["temp_file_limit"] = "1MB" } == ["temp_file_limit warning"])
        #expect(names { $0.publicIsOpen = true } == ["public_schema warning"])
        #expect(names { $0.waitsForStandby = true } == ["standby warning"])
        #expect(names { $0.notificationQueue = 0.51 } == ["notifications warning"])
        #expect(names { $0.abandonedSlots = ["old"] } == ["replication_slot warning"])
    }

    @Test func `too few sessions are refused when they can never be enough`() {
        #expect(names { $0.roleConnections = .init(limit: 4, used: 0) } == ["role_connections refusal"])
        #expect(names { $0.roleConnections = .init(limit: 50, used: 46) } == ["role_connections warning"])
        #expect(names { $0.roleConnections = .init(limit: 50, used: 45) } == [])
        #expect(names { $0.databaseConnections = .init(limit: 0, used: 0) } == ["database_connections refusal"])
        #expect(names { $0.connections = .init(limit: 97, used: 96) } == ["max_connections warning"])
        #expect(names({ $0.connections = .init(limit: 97, used: 96) }, sessions: 1) == [])
    }

    @Test func `an hour is long for a transaction, and what can't be seen isn't judged`() {
        func holder(_ seconds: Int?) -> ServerFacts.Holder { .init(name: "p", age: seconds.map { .seconds($0) }) }
        #expect(names { $0.oldestTransaction = holder(3599) } == [])
        #expect(names { $0.oldestTransaction = holder(3600) } == ["long_transaction warning"])
        #expect(names { $0.oldestTransaction = holder(nil) } == [])
        #expect(names { $0.oldestPrepared = holder(3600) } == ["prepared_transaction warning"])
    }

    @Test func `who keeps rows that others wait for is seen`() async throws {
        try await StoreDesk.open { desk in
            try await desk.store.postgres.withConnection { holder in
                _ = try await holder.run("SELECT set_config('application_name', 'the one who keeps them', false)")
                try await holder.runSimple("BEGIN; SELECT 1 FROM moose.budget_policies FOR UPDATE")
                let waiter = Task {
                    try await desk.store.postgres.run("UPDATE moose.budget_policies SET updated_at = now()")
                }
                try await eventually("the keeper is found") {
                    let found = try await desk.store.serverFacts().blockers
                    return found.count == 1 && found[0].name.contains("the one who keeps them") && found[0].age != nil
                }
                try await holder.runSimple("ROLLBACK")
                _ = try await waiter.value
            }
        }
    }

    @Test func `the facts of a real server are those that are expected`() async throws {
        try await StoreDesk.open { desk in
            let facts = try await desk.store.serverFacts()
            #expect(facts.settings == ServerFacts.expected)
            #expect(facts.version >= ServerConcern.oldestVersion * 10_000)
            #expect(facts.connections.used >= 1 && facts.connections.limit > 10)
            #expect(facts.roleConnections == nil && !facts.publicIsOpen && facts.abandonedSlots == [])
            try await desk.store.postgres.withConnection { holder in
                try await holder.runSimple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM moose.work_orders")
                let oldest = try await desk.store.serverFacts().oldestTransaction
                #expect(oldest?.age != nil && oldest?.name.contains("process ") == true)
            }
        }
    }
}
