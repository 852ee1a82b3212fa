import DatabaseSupport
import Postgres
import Store
import Testing

/// What the relay asks of an outbox that many rows wait in.
struct OutboxTests {
    @Test func `a batch is taken and deleted without reading the whole outbox`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run(
                """
                INSERT INTO moose.outbox (doorbell_for, exchange, routing_key, type)
                SELECT gen_random_uuid(), 'moose.work', 'default', 'moose.doorbell.v1' FROM generate_series(1, 20000)
                """)
            try await desk.run("ANALYZE moose.outbox")
            let read = try await desk.store.postgres.withTransaction { transaction in
                _ = try await transaction.run(
                    """
                    SELECT moose.delete_outbox(array_agg(o.id), array_agg(gen_random_uuid()))
                    FROM moose.lease_outbox(gen_random_uuid(), 100, '{}') o
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
}
