import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// The narrow tables of what waits, runs and went wrong, and what they are for: finished orders cost nothing, and the end
/// of an attempt rewrites no index. That they agree with the orders is looked at after every test of this target.
struct LiveSetTests {
    @Test func `no index of work orders names what changes when an attempt begins or ends`() async throws {
        try await StoreDesk.open { desk in
            let named = try await desk.store.postgres.run(
                """
                SELECT DISTINCT a.attname::text
                FROM pg_index i
                JOIN pg_depend d ON d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.refobjsubid > 0
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
                WHERE i.indrelid = 'moose.work_orders'::regclass
                """
            ).rows.map { try $0.decode(0, as: String.self) }
            #expect(named.contains("waits_on"), "the look finds the columns of a partial index")
            let changing: Set = [
                "state", "attempt", "fencing_token", "started_at", "finished_at", "result", "error", "failure_class",
                "gates", "run_at",
            ]
            #expect(changing.isDisjoint(with: named), "one such column makes every end rewrite all indexes")
        }
    }

    @Test func `an order that starts at once and completes is updated once, in its page`() async throws {
        // One session, so that the server's counts of it are told at once.
        try await StoreDesk.open(connections: 1) { desk in
            let items = try (0..<500).map { _ in try StoreDesk.order() }
            let verdicts = try await desk.claim(items)
            let before = try await desk.updates()
            let ends = zip(items, verdicts).compactMap { item, verdict -> FinishItem? in
                guard case .run(let grant) = verdict else { return nil }
                return FinishItem(
                    id: item.id, token: grant.token, ending: .completed,
                    report: AttemptReport(didStart: true, cost: .zero),
                    handler: "work", duration: .zero)
            }
            #expect(ends.count == 500)
            #expect(try await desk.store.finish(ends, worker: desk.worker).allSatisfy { $0 })
            let after = try await desk.updates()
            #expect(after.all - before.all == 500)
            #expect(after.hot - before.hot >= 400, "\(after.hot - before.hot) of 500 were HOT")
            #expect(try await desk.count("moose.leases") == 0)
        }
    }

    @Test func `each state is in its set, and what completed is in none`() async throws {
        try await StoreDesk.open { desk in
            let running = try StoreDesk.order()
            let done = try StoreDesk.order()
            let failed = try StoreDesk.order()
            let blocked = try StoreDesk.order(dependsOn: [running.id])
            let token = try await desk.start(running)
            try await desk.end(done.id, try await desk.start(done))
            try await desk.end(
                failed.id, try await desk.start(failed), .failed(AttemptFailure(.unknown, "no", retry: .never)))
            _ = try await desk.claim([blocked])
            let parked = try StoreDesk.order()
            _ = try await desk.claim([parked], park: true)
            #expect(try await desk.count("moose.leases WHERE id = '\(running.id)' AND token = \(token)") == 1)
            #expect(try await desk.count("moose.wrong WHERE id = '\(failed.id)' AND state = 'failed'") == 1)
            #expect(try await desk.count("moose.waiting WHERE id = '\(blocked.id)' AND state = 'blocked'") == 1)
            #expect(try await desk.count("moose.waiting WHERE id = '\(parked.id)' AND state = 'pending'") == 1)
            #expect(
                try await desk.count(
                    """
                    (SELECT id FROM moose.waiting UNION ALL SELECT id FROM moose.leases UNION ALL SELECT id FROM moose.wrong)
                    AS live
                    """) == 4)
            try await desk.run("UPDATE moose.work_orders SET lane = 'other' WHERE id = '\(parked.id)'")
            #expect(try await desk.count("moose.waiting WHERE id = '\(parked.id)' AND lane = 'other'") == 1)
            try await desk.run("DELETE FROM moose.work_orders WHERE state <> 'completed'")
            #expect(
                try await desk.count(
                    """
                    (SELECT id FROM moose.waiting UNION ALL SELECT id FROM moose.leases UNION ALL SELECT id FROM moose.wrong)
                    AS live
                    """) == 0)
        }
    }

    @Test func `a heartbeat keeps its own lease alive, and no other's`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order()
            let old = try await desk.start(item)
            try await desk.expireLeases()
            #expect(try await desk.store.rescue([LeaseKey(id: item.id, token: old)], maxAttempts: 5) == 1)
            let token = try await desk.start(StoreDesk.registered(item.id))
            try await desk.expireLeases()
            let late = LeaseKey(id: item.id, token: old)
            #expect(try await desk.store.renew([late], worker: desk.worker, lease: .seconds(45)) == [late])
            #expect(try await desk.store.expiredLeases().map(\.key) == [LeaseKey(id: item.id, token: token)])
        }
    }

    @Test func `a claim that is asked again while it still runs finds its own leases`() async throws {
        try await StoreDesk.open { desk in
            let parked = try StoreDesk.order()
            _ = try await desk.claim([parked], park: true)
            let claim = UUID()
            let again = try await desk.store.postgres.withTransaction { transaction in
                // The first try, whose connection was lost, at the end of its work.
                _ = try await transaction.run("SELECT 1 FROM moose.work_orders WHERE id = \(parked.id) FOR UPDATE")
                _ = try await transaction.run(
                    """
                    INSERT INTO moose.leases (id, token, worker, claim, expires_at)
                    VALUES (\(parked.id), 1, \(desk.worker), \(claim), now() + interval '1 minute')
                    """)
                _ = try await transaction.run(
                    """
                    UPDATE moose.work_orders SET state = 'in_progress', fencing_token = 1, attempt = 1, started_at = now()
                    WHERE id = \(parked.id)
                    """)
                let again = Task { try await desk.claim([StoreDesk.registered(parked.id)], claim: claim) }
                try await eventually("the second try waits for the first") {
                    try await desk.count("pg_locks WHERE NOT granted") > 0
                }
                return again
            }
            guard case .run(let grant) = try await again.value[0] else {
                Issue.record("the order runs for nobody")
                return
            }
            #expect(grant.token == 1 && grant.attempt == 1)
            // Nothing was reserved by hand.
            try await desk.end(parked.id, 1)
        }
    }

    @Test func `a wish to cancel outlives the lease it was told under`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order()
            _ = try await desk.claim([item], park: true)
            // As a rescue leaves it that the cancel crossed.
            try await desk.run(
                """
                UPDATE moose.work_orders SET cancel_requested_at = now(), cancel_who = 'ann', cancel_reason = 'x'
                WHERE id = '\(item.id)'
                """)
            let token = try await desk.start(StoreDesk.registered(item.id))
            #expect(try await desk.store.cancelRequests(worker: desk.worker).map(\.key.id) == [item.id])
            try await desk.run("UPDATE moose.leases SET to_stop = false")
            try await desk.run("SELECT moose.cancel_work_orders(ARRAY['\(item.id)'::uuid], 'bob', 'again')")
            #expect(try await desk.store.cancelRequests(worker: desk.worker).map(\.key.id) == [item.id])
            try await desk.end(item.id, token, .cancelled)
        }
    }

    @Test func `an order runs by a claim only, and a lease that nobody's order has goes away`() async throws {
        try await StoreDesk.open { desk in
            let parked = try StoreDesk.order()
            _ = try await desk.claim([parked], park: true)
            await #expect {
                try await desk.run("UPDATE moose.work_orders SET state = 'in_progress' WHERE id = '\(parked.id)'")
            } throws: { error in
                (error as? PostgresError)?.sqlState == "MS001" && "\(error)".contains("has no lease")
            }
            let done = try StoreDesk.order()
            let token = try await desk.start(done)
            // As a hand in psql may end it.
            try await desk.run("UPDATE moose.work_orders SET state = 'completed' WHERE id = '\(done.id)'")
            try await desk.expireLeases()
            let expired = try await desk.store.expiredLeases().map(\.key)
            #expect(expired == [LeaseKey(id: done.id, token: token)])
            #expect(try await desk.store.rescue(expired, maxAttempts: 5) == 0)
            #expect(try await desk.count("moose.leases") == 0)
            // Its hold is still open: the hand did not settle it.
            try await desk.end(done.id, token)
        }
    }
}

extension StoreDesk {
    fileprivate func updates() async throws -> (all: Int64, hot: Int64) {
        _ = try await store.postgres.run("SELECT pg_stat_force_next_flush()::text")
        let row = try await store.postgres.run(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'moose.work_orders'::regclass"
        ).first
        return (try row?.decode(0) ?? 0, try row?.decode(1) ?? 0)
    }
}
