import DatabaseSupport
import FoundationEssentials
import Postgres
import Store
import Testing

/// What the relay asks of an outbox that many rows wait in.
struct OutboxTests {
    @Test func `a batch is taken and deleted without reading the whole outbox`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run(
                """
                INSERT INTO moose.outbox (exchange, routing_key, type)
                SELECT 'moose.work', 'default', 'moose.work-order.v1' FROM generate_series(1, 20000)
                """)
            try await desk.run("ANALYZE moose.outbox")
            let read = try await desk.store.postgres.withTransaction { transaction in
                _ = try await transaction.run(
                    """
                    SELECT moose.settle_outbox(array_agg(o.id), array_agg(gen_random_uuid()), array_agg(true))
                    FROM moose.lease_messages(gen_random_uuid(), 100, '{}') o
                    """)
                return try await transaction.value(
                    """
                    SELECT coalesce(seq_tup_read, 0) FROM pg_stat_xact_user_tables
                    WHERE schemaname = 'moose' AND relname = 'outbox'
                    """, as: Int64.self)
            }
            #expect(read == 0, "rows of the outbox that were read one after the other")
        }
    }

    /// Another relay's look for what is due may hold a row for a moment after it was published.
    @Test func `a row that somebody holds is settled later, and isn't sent again for it`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run(
                """
                INSERT INTO moose.outbox (exchange, routing_key, type)
                SELECT 'moose.work', 'default', 'moose.work-order.v1' FROM generate_series(1, 3)
                """)
            let leased = try await desk.store.leaseOutbox(UUID())
            #expect(leased.count == 3)
            let held = try await withPostgresClient(PostgresConfiguration(url: desk.database.url), connections: 1) {
                other in
                try await other.withTransaction { transaction in
                    _ = try await transaction.run(
                        "SELECT 1 FROM moose.outbox WHERE id = ANY (\(leased.dropFirst().map(\.row))) FOR UPDATE")
                    return try await desk.store.settleOutbox(
                        confirmed: Array(leased.prefix(2)), unsent: Array(leased.suffix(1)))
                }
            }
            #expect(held == Set(leased.dropFirst().map(\.row)))
            #expect(try await desk.count("moose.outbox WHERE lease IS NOT NULL") == 2)
            #expect(try await desk.store.settleOutbox(confirmed: [leased[1]], unsent: [leased[2]]) == [])
            #expect(try await desk.count("moose.outbox") == 1)
            #expect(try await desk.store.leaseOutbox(UUID()).map(\.row) == [leased[2].row], "given back")
            #expect(
                try await desk.store.settleOutbox(confirmed: leased) == [], "under another lease, or gone")
            #expect(try await desk.count("moose.outbox") == 1)
        }
    }
}
