import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// What retention deletes, what it leaves, and how a pruned id is recognised.
struct RetentionTests {
    /// An order that was run to its end so many days ago.
    @discardableResult
    private static func ended(
        _ desk: StoreDesk, _ item: ClaimItem? = nil, _ ending: FinishItem.Ending = .completed, days: Int = 31
    ) async throws -> ClaimItem {
        let item = try item ?? StoreDesk.order()
        try await desk.end(item.id, try await desk.start(item), ending)
        try await age(desk, item.id, days: days)
        return item
    }

    private static func age(_ desk: StoreDesk, _ order: UUID, days: Int = 31) async throws {
        try await desk.run(
            "UPDATE moose.work_orders SET finished_at = finished_at - interval '\(days) days' WHERE id = '\(order)'")
    }

    private static func prune(
        _ desk: StoreDesk, _ part: RetentionPart = .orders, days: Int = 30, limit: Int = 500, dryRun: Bool = false
    ) async throws -> PruneStep {
        var sum = PruneStep(next: 0)
        while let block = sum.next {
            let step = try await desk.store.prune(
                part, olderThan: days, from: block, blocks: 8, limit: limit, dryRun: dryRun)
            #expect(dryRun || step.deleted <= limit)
            sum.deleted += step.deleted
            sum.attempts += step.attempts
            sum.events += step.events
            sum.letters += step.letters
            sum.next = step.next
        }
        return sum
    }

    private static func exists(_ desk: StoreDesk, _ order: UUID) async throws -> Bool {
        try await desk.count("moose.work_orders WHERE id = '\(order)'") == 1
    }

    @Test func `a finished order that is old goes with its attempts; a younger one and a live one stay`() async throws {
        try await StoreDesk.open { desk in
            let old = try await Self.ended(desk)
            let young = try await Self.ended(desk, days: 29)
            let live = try StoreDesk.order()
            _ = try await desk.start(live)
            try await desk.run("UPDATE moose.work_orders SET created_at = created_at - interval '90 days'")
            #expect(try await Self.prune(desk, dryRun: true).deleted == 1)
            #expect(try await Self.exists(desk, old.id), "only counted")
            let step = try await Self.prune(desk)
            #expect(step.deleted == 1 && step.attempts == 1)
            #expect(try await Self.exists(desk, old.id) == false)
            #expect(try await desk.count("moose.outcome_vectors WHERE work_order_id = '\(old.id)'") == 0)
            for kept in [young, live] { #expect(try await Self.exists(desk, kept.id)) }
            // The last look, under the lock, asks for the state once more: it may have been tried again meanwhile.
            let waits = try StoreDesk.order()
            let failure = AttemptFailure(.testFail, "no", retry: .never)
            try await desk.end(waits.id, try await desk.start(waits), .retry(failure, after: .seconds(9)))
            #expect(try await desk.count("moose.prunable(ARRAY['\(waits.id)'::uuid])") == 0)
            #expect(
                try await desk.text("SELECT state FROM moose.pruned_orders WHERE id = '\(old.id)'") == "completed")
        }
    }

    @Test func `what was pruned gives its room back to the disk with the next vacuum`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run(
                """
                CREATE TEMP TABLE made AS SELECT gen_random_uuid() AS id FROM generate_series(1, 3000);
                INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
                SELECT id, 'scheduled', 'work', 'default', 'old', now(), convert_to(repeat('x', 1500), 'UTF8'), 'x'
                FROM made;
                UPDATE moose.work_orders w SET state = 'cancelled', finished_at = now() - interval '31 days'
                FROM made m WHERE m.id = w.id;
                DROP TABLE made
                """)
            let size: Query = "SELECT pg_database_size(current_database())"
            try await desk.run("VACUUM")
            let before = try await desk.value(size, as: Int64.self)
            #expect(try await Self.prune(desk).deleted == 3000)
            try await desk.run("VACUUM")
            let after = try await desk.value(size, as: Int64.self)
            #expect(before - after > 5_000_000, "\(before) bytes before, \(after) after")
        }
    }

    @Test func `a pruned id is no new one: the same body is a duplicate, another is refused, and nothing runs again`()
        async throws
    {
        try await StoreDesk.open { desk in
            let first = try await Self.ended(desk)
            let second = try await Self.ended(desk)
            let third = try await Self.ended(desk)
            #expect(try await Self.prune(desk).deleted == 3)
            let other = try StoreDesk.order(second.id, title: "another")
            let fresh = try StoreDesk.order()
            let verdicts = try await desk.claim([first, other, fresh, StoreDesk.registered(third.id)])
            #expect(verdicts[0] == .duplicate && verdicts[1] == .invalid(reason: "id_reused"))
            #expect(verdicts[2].token == 1 && verdicts[3] == .duplicate)
            #expect(try await desk.count("moose.work_orders") == 1)
            #expect(try await desk.count("moose.dead_letters WHERE reason = 'id_reused'") == 1)
            #expect(
                try await desk.count("moose.budget_holds WHERE token = 1") == 4, "no hold of the pruned ones is new")
            // All of a batch pruned, and of random ids, which don't rise with time.
            #expect(try await desk.claim([first, third]) == [.duplicate, .duplicate])
            let random = try await Self.ended(desk, try StoreDesk.order(UUID()))
            #expect(try await Self.prune(desk).deleted == 1)
            #expect(try await desk.claim([random]) == [.duplicate])
        }
    }

    @Test func `a pruned id keeps its word at the other doors`() async throws {
        try await StoreDesk.open { desk in
            let item = try await Self.ended(desk)
            _ = try await Self.prune(desk)
            for function in ["cancel_work_orders", "retry_work_orders"] {
                #expect(
                    try await desk.text(
                        "SELECT string_agg(before || ' ' || after, ',') FROM moose.\(function)(ARRAY['\(item.id)'::uuid], 'ann', 'x')"
                    )
                        == "pruned pruned")
            }
            #expect(try await desk.count("moose.work_orders") == 0, "no tombstone")
            let enqueue = "SELECT moose.enqueue('work', title => 'other', id => '\(item.id)')"
            let error = await #expect(throws: PostgresError.self) { try await desk.run(enqueue) }
            #expect(error?.sqlState == "MS006")
        }
    }

    @Test func `ids are forgotten after their own time`() async throws {
        try await StoreDesk.open { desk in
            let item = try await Self.ended(desk, days: 31)
            _ = try await Self.prune(desk)
            #expect(try await Self.prune(desk, .ids, days: 90).deleted == 0)
            try await desk.run("UPDATE moose.pruned_orders SET ended_at = ended_at - interval '60 days'")
            #expect(try await Self.prune(desk, .ids, days: 90).deleted == 0, "the books still name it")
            try await desk.run(
                """
                DELETE FROM moose.budget_holds;
                INSERT INTO moose.cost_tracking (owner, token, number, entry, amount_u, bucket_ids)
                VALUES ('\(item.id)', 1, 0, 'settled', 0, '{1}')
                """)
            #expect(try await Self.prune(desk, .ids, days: 90).deleted == 0, "and so does the ledger")
            try await desk.run(
                "ALTER TABLE moose.cost_tracking DISABLE TRIGGER USER; DELETE FROM moose.cost_tracking")
            #expect(try await Self.prune(desk, .ids, days: 90, dryRun: true).deleted == 1)
            #expect(try await Self.prune(desk, .ids, days: 90).deleted == 1)
            #expect(try await desk.claim([item])[0].token == 1)
        }
    }

    @Test func `an order that others still wait for stays; one they had goes, also for those who come later`()
        async throws
    {
        try await StoreDesk.open { desk in
            let failure = AttemptFailure(.testFail, "no", retry: .never)
            let done = try await Self.ended(desk)
            let broken = try await Self.ended(desk, nil, .failed(failure))
            try await desk.run("UPDATE moose.dead_letters SET state = 'purged'")
            let waiting = try StoreDesk.order(dependsOn: [done.id, broken.id])
            #expect(try await desk.claim([waiting]) == [.later])
            #expect(try await Self.prune(desk).deleted == 0)
            try await desk.run("SELECT moose.retry_work_orders(ARRAY['\(broken.id)'::uuid], 'ann', 'x')")
            try await desk.end(broken.id, try await desk.start(StoreDesk.registered(broken.id)))
            try await Self.age(desk, broken.id)
            #expect(try await desk.state(waiting.id) == "pending")
            #expect(try await Self.prune(desk).deleted == 2)
            // What it had is not asked for again.
            try await desk.end(waiting.id, try await desk.start(StoreDesk.registered(waiting.id)), .failed(failure))
            try await desk.run("SELECT moose.retry_work_orders(ARRAY['\(waiting.id)'::uuid], 'ann', 'x')")
            #expect(try await desk.state(waiting.id) == "pending")
            #expect(try await desk.claim([try StoreDesk.order(dependsOn: [done.id])])[0].token == 1)
            let both = try StoreDesk.order(dependsOn: [done.id, UUID()])
            #expect(try await desk.claim([both]) == [.later])
            #expect(try await desk.count("moose.work_order_dependencies WHERE work_order_id = '\(both.id)'") == 1)
        }
    }

    @Test func `an undecided letter, an open escalation, an open hold and a kept key keep their orders`() async throws {
        try await StoreDesk.open { desk in
            let failure = AttemptFailure(.testFail, "no", retry: .never)
            let failed = try await Self.ended(desk, nil, .failed(failure))
            let told = try await Self.ended(desk)
            try await desk.run(
                """
                INSERT INTO moose.escalations (id, fingerprint, trigger_type, failure_class, severity, component, operation,
                                               message, count, options)
                VALUES ('\(told.id)', 'f', 't', 'unknown', 'warning', 'c', 'o', 'm', 1, '[]');
                INSERT INTO moose.escalation_events (event_id, escalation_id, work_order_id, message, occurred_at)
                VALUES ('\(told.id)', '\(told.id)', '\(told.id)', 'm', now())
                """)
            let held = try await Self.ended(desk)
            try await desk.run("UPDATE moose.budget_holds SET state = 'dispatched' WHERE owner = '\(held.id)'")
            let keyed = try await Self.ended(desk, try StoreDesk.unique("k", seconds: 90 * 86_400))
            #expect(try await Self.prune(desk).deleted == 0)
            try await desk.run("UPDATE moose.dead_letters SET state = 'purged'")
            let letters = try await Self.prune(desk)
            #expect(letters.deleted == 1 && letters.letters == 1)
            #expect(try await Self.exists(desk, failed.id) == false)
            try await desk.run("UPDATE moose.escalations SET state = 'resolved'")
            let events = try await Self.prune(desk)
            #expect(events.deleted == 1 && events.events == 1)
            try await desk.run("UPDATE moose.budget_holds SET state = 'settled'")
            #expect(try await Self.prune(desk).deleted == 1)
            #expect(try await desk.claim([StoreDesk.unique("k")]) == [.duplicate], "the key is kept")
            try await desk.run("UPDATE moose.work_orders SET unique_until = now() WHERE id = '\(keyed.id)'")
            #expect(try await Self.prune(desk).deleted == 1)
        }
    }

    @Test func `it goes in steps of at most so many`() async throws {
        try await StoreDesk.open { desk in
            let items = try StoreDesk.orders(50)
            _ = try await desk.claim(items)
            try await desk.endAll()
            try await desk.run("UPDATE moose.work_orders SET finished_at = finished_at - interval '31 days'")
            let step = try await desk.store.prune(
                .orders, olderThan: 30, from: 0, blocks: 64, limit: 20, dryRun: false)
            #expect(step.deleted == 20 && step.next == 0)
            #expect(try await Self.prune(desk, limit: 20).deleted == 30)
        }
    }

    @Test func `a claim of an id that is being pruned waits for the prune, and is a duplicate`() async throws {
        try await StoreDesk.open { desk in
            let item = try await Self.ended(desk)
            try await withThrowingTaskGroup(of: ClaimVerdict?.self) { group in
                group.addTask {
                    // A prune whose commit takes its time.
                    try await desk.run(
                        """
                        BEGIN;
                        SELECT moose.prune_orders(now() - interval '30 days', 0, 64, 500, false);
                        SELECT pg_sleep(0.5);
                        COMMIT
                        """)
                    return nil
                }
                group.addTask {
                    while try await desk.count("pg_stat_activity WHERE wait_event = 'PgSleep'") == 0 {}
                    return try await desk.claim([item])[0]
                }
                for try await verdict in group where verdict != nil { #expect(verdict == .duplicate) }
            }
            #expect(try await desk.count("moose.work_orders") == 0)
        }
    }

    @Test func `what is left goes by its own time`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run(
                """
                INSERT INTO moose.audit_log (at, who, action, subject)
                VALUES (now() - interval '401 days', 'a', 'x', 'y'), (now() - interval '399 days', 'a', 'x', 'y');
                INSERT INTO moose.sentinel_deliveries VALUES ('old', now() - interval '31 days'), ('new', now());
                INSERT INTO moose.dead_letters (id, state, reason, explanation, body, digest, created_at)
                VALUES (gen_random_uuid(), 'dead', 'malformed', 'e', '', '', now() - interval '99 days'),
                       (gen_random_uuid(), 'purged', 'malformed', 'e', '', '', now() - interval '99 days'),
                       (gen_random_uuid(), 'redriven', 'malformed', 'e', '', '', now());
                INSERT INTO moose.escalations (state, fingerprint, trigger_type, failure_class, severity, component,
                                               operation, message, count, options, last_seen)
                SELECT s, s, 't', 'unknown', 'warning', 'c', 'o', 'm', 2, '[]', now() - interval '99 days'
                FROM unnest(ARRAY['open', 'resolved']) AS s;
                INSERT INTO moose.escalation_events (event_id, escalation_id, message, occurred_at)
                SELECT gen_random_uuid(), e.id, 'm', now() FROM moose.escalations e, generate_series(1, 7)
                """)
            #expect(try await Self.prune(desk, .audit, days: 400).deleted == 1)
            #expect(try await Self.prune(desk, .webhooks).deleted == 1)
            #expect(try await Self.prune(desk, .letters).deleted == 1)
            let escalations = try await Self.prune(desk, .escalations, limit: 3)
            #expect(escalations.deleted == 1 && escalations.events == 7)
            #expect(try await desk.text("SELECT string_agg(state, ',') FROM moose.escalations") == "open")
            #expect(try await desk.count("moose.escalation_events") == 7)
        }
    }

    @Test func `one process at a time has the daily run, and another goes on with one that was cut short`() async throws
    {
        try await StoreDesk.open { desk in
            let (first, second) = (UUID(), UUID())
            #expect(try await desk.store.takeRetention(first, for: .seconds(60)) == false, "it isn't due")
            try await desk.run("UPDATE moose.retention SET due_at = now()")
            #expect(try await desk.store.takeRetention(first, for: .seconds(60)))
            #expect(try await desk.store.takeRetention(second, for: .seconds(60)) == false)
            #expect(try await desk.store.takeRetention(first, for: .seconds(60)), "it goes on")
            try await desk.run("UPDATE moose.retention SET leased_until = now() - interval '1 second'")
            #expect(try await desk.store.takeRetention(second, for: .seconds(60)))
            try await desk.store.endRetention(second, counts: #"{"work_orders": 3}"#, who: "moose client-manager")
            #expect(try await desk.store.takeRetention(first, for: .seconds(60)) == false, "until tomorrow")
            #expect(
                try await desk.count("moose.audit_log WHERE action = 'prune' AND after ->> 'work_orders' = '3'") == 1)
        }
    }
}
