import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing

/// What a Client Manager does where no worker runs.
struct UpkeepTests {
    @Test func `reservations whose time is over end, thousands of them, and their money is posted`() async throws {
        try await Desk.open { desk in
            try await desk.store.postgres.runSimple(
                """
                SELECT * FROM moose.ledger_batch(NULL, NULL, NULL, NULL, NULL,
                    ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 2500)), array_fill(0::bigint, '{2500}'),
                    array_fill(0::smallint, '{2500}'), array_fill(1000::bigint, '{2500}'), array_fill(NULL::text, '{2500}'),
                    array_fill(NULL::text, '{2500}'), array_fill('other'::text, '{2500}'), array_fill(NULL::text, '{2500}'),
                    array_fill(true, '{2500}'), array_fill(-1000::bigint, '{2500}'))
                """)
            try await eventually("all end", timeout: .seconds(40)) {
                try await desk.count("moose.budget_holds WHERE state IN ('held', 'dispatched')") == 0
            }
            #expect(try await desk.count("moose.cost_tracking WHERE entry = 'presumed'") == 2500)
            #expect(try await desk.count("(SELECT DISTINCT xmin::text FROM moose.cost_tracking) x") >= 3, "in pieces")
            #expect(try await desk.count("moose.reconcile()") == 0)
        }
    }

    @Test func `who waits for what somebody cancels is told of`() async throws {
        try await Desk.open { desk in
            let (first, second) = (UUID(), UUID())
            try await desk.store.postgres.runSimple(
                """
                INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
                VALUES ('\(first)', 'pending', 'work', 'default', 't', now(), '', 'x'),
                       ('\(second)', 'blocked', 'work', 'default', 't', now(), '', 'x');
                INSERT INTO moose.work_order_dependencies VALUES ('\(second)', '\(first)');
                SELECT moose.cancel_work_orders('{\(first)}', 'ann', 'no need')
                """)
            try await eventually("it is told") {
                try await desk.count(
                    "moose.escalation_events WHERE message ILIKE '%\(second) waits for \(first), which ended cancelled'"
                )
                    == 1
            }
        }
    }
}
