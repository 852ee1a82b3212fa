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
        _ ledger: Ledger, _ item: ClaimItem? = nil, _ ending: FinishItem.Ending = .completed, days: Int = 31
    ) async throws -> ClaimItem {
        let item = try item ?? Ledger.order()
        try await ledger.end(item.id, try await ledger.start(item), ending)
        try await age(ledger, item.id, days: days)
        return item
    }

    private static func age(_ ledger: Ledger, _ order: UUID, days: Int = 31) async throws {
        try await ledger.run(
            "UPDATE moose.work_orders SET finished_at = finished_at - interval '\(days) days' WHERE id = '\(order)'")
    }

    private static func prune(
        _ ledger: Ledger, _ part: RetentionPart = .orders, days: Int = 30, limit: Int = 500, dryRun: Bool = false
    ) async throws -> PruneStep {
        var sum = PruneStep(next: 0)
        while let block = sum.next {
            let step = try await ledger.store.prune(
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

    private static func exists(_ ledger: Ledger, _ order: UUID) async throws -> Bool {
        try await ledger.count("moose.work_orders WHERE id = '\(order)'") == 1
    }

    @Test func `a finished order that is old goes with its attempts; a younger one and a live one stay`() async throws {
        try await Ledger.open { ledger in
            let old = try await Self.ended(ledger)
            let young = try await Self.ended(ledger, days: 29)
            let live = try Ledger.order()
            _ = try await ledger.start(live)
            try await ledger.run("UPDATE moose.work_orders SET created_at = created_at - interval '90 days'")
            #expect(try await Self.prune(ledger, dryRun: true).deleted == 1)
            #expect(try await Self.exists(ledger, old.id), "only counted")
            let step = try await Self.prune(ledger)
            #expect(step.deleted == 1 && step.attempts == 1)
            #expect(try await Self.exists(ledger, old.id) == false)
            #expect(try await ledger.count("moose.outcome_vectors WHERE work_order_id = '\(old.id)'") == 0)
            for kept in [young, live] { #expect(try await Self.exists(ledger, kept.id)) }
            // The last look, under the lock, asks for the state once more: it may have been tried again meanwhile.
            let waits = try Ledger.order()
            let failure = AttemptFailure(.testFail, "no", retry: .never)
            try await ledger.end(waits.id, try await ledger.start(waits), .retry(failure, after: .seconds(9)))
            #expect(try await ledger.count("moose.prunable(ARRAY['\(waits.id)'::uuid])") == 0)
            #expect(
                try await ledger.text("SELECT state FROM moose.pruned_orders WHERE id = '\(old.id)'") == "completed")
        }
    }

    @Test func `a pruned id is no new one: the same body is a duplicate, another is refused, and nothing runs again`()
        async throws
    {
        try await Ledger.open { ledger in
            let first = try await Self.ended(ledger)
            let second = try await Self.ended(ledger)
            let third = try await Self.ended(ledger)
            #expect(try await Self.prune(ledger).deleted == 3)
            let other = try Ledger.order(second.id, title: "another")
            let fresh = try Ledger.order()
            let verdicts = try await ledger.claim([first, other, fresh, Ledger.doorbell(third.id)])
            #expect(verdicts[0] == .duplicate && verdicts[1] == .invalid(reason: "id_reused"))
            #expect(verdicts[2].token == 1 && verdicts[3] == .duplicate)
            #expect(try await ledger.count("moose.work_orders") == 1)
            #expect(try await ledger.count("moose.dead_letters WHERE reason = 'id_reused'") == 1)
            #expect(
                try await ledger.count("moose.budget_holds WHERE token = 1") == 4, "no hold of the pruned ones is new")
            // All of a batch pruned, and of random ids, which don't rise with time.
            #expect(try await ledger.claim([first, third]) == [.duplicate, .duplicate])
            let random = try await Self.ended(ledger, try Ledger.order(UUID()))
            #expect(try await Self.prune(ledger).deleted == 1)
            #expect(try await ledger.claim([random]) == [.duplicate])
        }
    }

    @Test func `a pruned id keeps its word at the other doors`() async throws {
        try await Ledger.open { ledger in
            let item = try await Self.ended(ledger)
            _ = try await Self.prune(ledger)
            for function in ["cancel_work_orders", "retry_work_orders"] {
                #expect(
                    try await ledger.text(
                        "SELECT string_agg(before || ' ' || after, ',') FROM moose.\(function)(ARRAY['\(item.id)'::uuid], 'ann', 'x')"
                    )
                        == "pruned pruned")
            }
            #expect(try await ledger.count("moose.work_orders") == 0, "no tombstone")
            let enqueue = "SELECT moose.enqueue('work', title => 'other', id => '\(item.id)')"
            let error = await #expect(throws: PostgresError.self) { try await ledger.run(enqueue) }
            #expect(error?.sqlState == "MS006")
        }
    }

    @Test func `ids are forgotten after their own time`() async throws {
        try await Ledger.open { ledger in
            let item = try await Self.ended(ledger, days: 31)
            _ = try await Self.prune(ledger)
            #expect(try await Self.prune(ledger, .ids, days: 90).deleted == 0)
            try await ledger.run("UPDATE moose.pruned_orders SET ended_at = ended_at - interval '60 days'")
            #expect(try await Self.prune(ledger, .ids, days: 90).deleted == 0, "the books still name it")
            try await ledger.run(
                """
                DELETE FROM moose.budget_holds;
                INSERT INTO moose.cost_tracking (owner, token, number, entry, amount_u, bucket_ids)
                VALUES ('\(item.id)', 1, 0, 'settled', 0, '{1}')
                """)
            #expect(try await Self.prune(ledger, .ids, days: 90).deleted == 0, "and so does the ledger")
            try await ledger.run(
                "ALTER TABLE moose.cost_tracking DISABLE TRIGGER USER; DELETE FROM moose.cost_tracking")
            #expect(try await Self.prune(ledger, .ids, days: 90, dryRun: true).deleted == 1)
            #expect(try await Self.prune(ledger, .ids, days: 90).deleted == 1)
            #expect(try await ledger.claim([item])[0].token == 1)
        }
    }

    @Test func `an order that others still wait for stays; one they had goes, also for those who come later`()
        async throws
    {
        try await Ledger.open { ledger in
            let failure = AttemptFailure(.testFail, "no", retry: .never)
            let done = try await Self.ended(ledger)
            let broken = try await Self.ended(ledger, nil, .failed(failure))
            try await ledger.run("UPDATE moose.dead_letters SET state = 'purged'")
            let waiting = try Ledger.order(dependsOn: [done.id, broken.id])
            #expect(try await ledger.claim([waiting]) == [.later])
            #expect(try await Self.prune(ledger).deleted == 0)
            try await ledger.run("SELECT moose.retry_work_orders(ARRAY['\(broken.id)'::uuid], 'ann', 'x')")
            try await ledger.end(broken.id, try await ledger.start(Ledger.doorbell(broken.id)))
            try await Self.age(ledger, broken.id)
            #expect(try await ledger.state(waiting.id) == "pending")
            #expect(try await Self.prune(ledger).deleted == 2)
            // What it had is not asked for again.
            try await ledger.end(waiting.id, try await ledger.start(Ledger.doorbell(waiting.id)), .failed(failure))
            try await ledger.run("SELECT moose.retry_work_orders(ARRAY['\(waiting.id)'::uuid], 'ann', 'x')")
            #expect(try await ledger.state(waiting.id) == "pending")
            #expect(try await ledger.claim([try Ledger.order(dependsOn: [done.id])])[0].token == 1)
            let both = try Ledger.order(dependsOn: [done.id, UUID()])
            #expect(try await ledger.claim([both]) == [.later])
            #expect(try await ledger.count("moose.work_order_dependencies WHERE work_order_id = '\(both.id)'") == 1)
        }
    }

    @Test func `an undecided letter, an open escalation, an open hold and a kept key keep their orders`() async throws {
        try await Ledger.open { ledger in
            let failure = AttemptFailure(.testFail, "no", retry: .never)
            let failed = try await Self.ended(ledger, nil, .failed(failure))
            let told = try await Self.ended(ledger)
            try await ledger.run(
                """
                INSERT INTO moose.escalations (id, fingerprint, trigger_type, failure_class, severity, component, operation,
                                               message, count, options)
                VALUES ('\(told.id)', 'f', 't', 'unknown', 'warning', 'c', 'o', 'm', 1, '[]');
                INSERT INTO moose.escalation_events (event_id, escalation_id, work_order_id, message, occurred_at)
                VALUES ('\(told.id)', '\(told.id)', '\(told.id)', 'm', now())
                """)
            let held = try await Self.ended(ledger)
            try await ledger.run("UPDATE moose.budget_holds SET state = 'dispatched' WHERE owner = '\(held.id)'")
            let keyed = try await Self.ended(ledger, try Ledger.unique("k", seconds: 90 * 86_400))
            #expect(try await Self.prune(ledger).deleted == 0)
            try await ledger.run("UPDATE moose.dead_letters SET state = 'purged'")
            let letters = try await Self.prune(ledger)
            #expect(letters.deleted == 1 && letters.letters == 1)
            #expect(try await Self.exists(ledger, failed.id) == false)
            try await ledger.run("UPDATE moose.escalations SET state = 'resolved'")
            let events = try await Self.prune(ledger)
            #expect(events.deleted == 1 && events.events == 1)
            try await ledger.run("UPDATE moose.budget_holds SET state = 'settled'")
            #expect(try await Self.prune(ledger).deleted == 1)
            #expect(try await ledger.claim([Ledger.unique("k")]) == [.duplicate], "the key is kept")
            try await ledger.run("UPDATE moose.work_orders SET unique_until = now() WHERE id = '\(keyed.id)'")
            #expect(try await Self.prune(ledger).deleted == 1)
        }
    }

    @Test func `it goes in steps of at most so many`() async throws {
        try await Ledger.open { ledger in
            let items = try Ledger.orders(50)
            _ = try await ledger.claim(items)
            try await ledger.endAll()
            try await ledger.run("UPDATE moose.work_orders SET finished_at = finished_at - interval '31 days'")
            let step = try await ledger.store.prune(
                .orders, olderThan: 30, from: 0, blocks: 64, limit: 20, dryRun: false)
            #expect(step.deleted == 20 && step.next == 0)
            #expect(try await Self.prune(ledger, limit: 20).deleted == 30)
        }
    }

    @Test func `a claim of an id that is being pruned waits for the prune, and is a duplicate`() async throws {
        try await Ledger.open { ledger in
            let item = try await Self.ended(ledger)
            try await withThrowingTaskGroup(of: ClaimVerdict?.self) { group in
                group.addTask {
                    // A prune whose commit takes its time.
                    try await ledger.run(
                        """
                        BEGIN;
                        SELECT moose.prune_orders(now() - interval '30 days', 0, 64, 500, false);
                        SELECT pg_sleep(0.5);
                        COMMIT
                        """)
                    return nil
                }
                group.addTask {
                    while try await ledger.count("pg_stat_activity WHERE wait_event = 'PgSleep'") == 0 {}
                    return try await ledger.claim([item])[0]
                }
                for try await verdict in group where verdict != nil { #expect(verdict == .duplicate) }
            }
            #expect(try await ledger.count("moose.work_orders") == 0)
        }
    }

    @Test func `what is left goes by its own time`() async throws {
        try await Ledger.open { ledger in
            try await ledger.run(
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
            #expect(try await Self.prune(ledger, .audit, days: 400).deleted == 1)
            #expect(try await Self.prune(ledger, .webhooks).deleted == 1)
            #expect(try await Self.prune(ledger, .letters).deleted == 1)
            let escalations = try await Self.prune(ledger, .escalations, limit: 3)
            #expect(escalations.deleted == 1 && escalations.events == 7)
            #expect(try await ledger.text("SELECT string_agg(state, ',') FROM moose.escalations") == "open")
            #expect(try await ledger.count("moose.escalation_events") == 7)
        }
    }

    @Test func `one process at a time has the daily run, and another goes on with one that was cut short`() async throws
    {
        try await Ledger.open { ledger in
            let (first, second) = (UUID(), UUID())
            #expect(try await ledger.store.takeRetention(first, for: .seconds(60)) == false, "it isn't due")
            try await ledger.run("UPDATE moose.retention SET due_at = now()")
            #expect(try await ledger.store.takeRetention(first, for: .seconds(60)))
            #expect(try await ledger.store.takeRetention(second, for: .seconds(60)) == false)
            #expect(try await ledger.store.takeRetention(first, for: .seconds(60)), "it goes on")
            try await ledger.run("UPDATE moose.retention SET leased_until = now() - interval '1 second'")
            #expect(try await ledger.store.takeRetention(second, for: .seconds(60)))
            try await ledger.store.endRetention(second, counts: #"{"work_orders": 3}"#, who: "moose client-manager")
            #expect(try await ledger.store.takeRetention(first, for: .seconds(60)) == false, "until tomorrow")
            #expect(
                try await ledger.count("moose.audit_log WHERE action = 'prune' AND after ->> 'work_orders' = '3'") == 1)
        }
    }
}
