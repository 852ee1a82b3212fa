import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// Single wake-ups that were lost once, or would be lost first.
struct WakeUpTests {
    @Test func `a dependency that arrives, runs and ends while its dependant is being claimed wakes it`() async throws {
        try await Ledger.open(connections: 6) { ledger in
            // A budget whose row comes first in the order of locks: who holds it stops a claim after its orders are
            // written and before they are seen.
            try await ledger.run(Self.slowProject)
            let first = try Ledger.order()
            let dependant = try Ledger.order(dependsOn: [first.id])
            let slow = try Ledger.order(project: "slow")
            let claiming = try await ledger.store.postgres.withTransaction { transaction in
                _ = try await transaction.run("SELECT 1 FROM moose.budget_buckets ORDER BY id LIMIT 1 FOR UPDATE")
                let claiming = Task { try await ledger.claim([slow, dependant]) }
                try await Self.waitForBlocked(1, ledger)
                let ending = Task { try await ledger.end(first.id, try await ledger.start(first)) }
                try await eventually("the dependency has ended, or waits for the claim") {
                    if try await ledger.count("moose.outcome_vectors") == 1 { return true }
                    return try await Self.blocked(ledger) == 2
                }
                return (claiming, ending)
            }
            _ = try await claiming.0.value
            #expect(try await claiming.1.value)
            #expect(try await ledger.state(dependant.id) == "pending")
            #expect(try await ledger.count("moose.outbox WHERE doorbell_for = '\(dependant.id)'") == 1)
        }
    }

    @Test func `the last of two dependencies sees the first, whose end is not committed yet`() async throws {
        try await Ledger.open(connections: 6) { ledger in
            try await ledger.run(Self.slowProject)
            let first = try Ledger.order(usd: "0.01", project: "slow")
            let second = try Ledger.order(usd: "0.01")
            let tokens = (try await ledger.start(first), try await ledger.start(second))
            let dependant = try Ledger.order(dependsOn: [first.id, second.id])
            _ = try await ledger.claim([dependant])
            #expect(try await ledger.state(dependant.id) == "blocked")
            let ending = try await ledger.store.postgres.withTransaction { transaction in
                // The first end stops at its budget's row, which is after it looked for dependants.
                _ = try await transaction.run("SELECT 1 FROM moose.budget_buckets ORDER BY id LIMIT 1 FOR UPDATE")
                let first = Task { try await ledger.end(first.id, tokens.0) }
                try await Self.waitForBlocked(1, ledger)
                let second = Task { try await ledger.end(second.id, tokens.1) }
                try await eventually("the second has ended, or waits for the first") {
                    if try await ledger.count("moose.outcome_vectors") == 1 { return true }
                    return try await Self.blocked(ledger) == 2
                }
                return (first, second)
            }
            #expect(try await ending.0.value)
            #expect(try await ending.1.value)
            #expect(try await ledger.state(dependant.id) == "pending")
            #expect(try await ledger.count("moose.outbox WHERE doorbell_for = '\(dependant.id)'") == 1)
        }
    }

    /// A budget of which nothing is used, with the first bucket of all.
    private static let slowProject = """
        INSERT INTO moose.budget_policies (scope, name, period, kill_u) VALUES ('project', 'slow', 'total', 1000000);
        INSERT INTO moose.budget_buckets (policy_id, window_start, window_end)
        SELECT id, '-infinity', 'infinity' FROM moose.budget_policies WHERE name = 'slow';
        -- The org's windows are open already: opening them would wait, too.
        SELECT moose.path_buckets('{NULL}', '{NULL}', '{NULL}', '{NULL}')
        """

    private static func blocked(_ ledger: Ledger) async throws -> Int64 {
        try await ledger.count("pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    }

    private static func waitForBlocked(_ wanted: Int64, _ ledger: Ledger) async throws {
        try await eventually("\(wanted) sessions wait for a lock") { try await blocked(ledger) == wanted }
    }

    @Test func `a hundred and fifty orders too dear for the day hide none that fits`() async throws {
        try await Ledger.open { ledger in
            try await ledger.spend("60")
            _ = try await ledger.claim(try (1...150).map { _ in try Ledger.order(usd: "50") })
            _ = try await ledger.start(try Ledger.order(usd: "40"))
            let cheap = try Ledger.order(usd: "2")
            _ = try await ledger.claim([cheap])
            #expect(try await ledger.count("moose.work_orders WHERE state = 'awaiting_budget'") == 151)
            try await ledger.run("UPDATE moose.budget_policies SET kill_u = 105000000 WHERE period = 'day'")
            #expect(try await ledger.store.wakeForMoney() == 1)
            #expect(try await ledger.state(cheap.id) == "pending")
        }
    }

    @Test func `the sweeper finds what can go on behind a thousand that wait rightly`() async throws {
        try await Ledger.open { ledger in
            let done = try Ledger.order()
            try await ledger.end(done.id, try await ledger.start(done))
            let open = UUID.timeOrdered()
            // Each waits for one that is done and one that isn't; a thousand of them with a done one of its own.
            try await ledger.run(
                """
                CREATE TEMP TABLE made AS SELECT gen_random_uuid() AS id, gen_random_uuid() AS done FROM generate_series(1, 1100);
                INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
                SELECT id, 'blocked', 'work', 'default', 't', now(), '', '' FROM made;
                INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
                SELECT done, 'pending', 'work', 'default', 't', now(), '', '' FROM made;
                UPDATE moose.work_orders SET state = 'in_progress', lease_worker = gen_random_uuid() WHERE id IN (SELECT done FROM made);
                UPDATE moose.work_orders SET state = 'completed', lease_worker = NULL WHERE id IN (SELECT done FROM made);
                INSERT INTO moose.work_order_dependencies SELECT id, done FROM made UNION ALL SELECT id, '\(open)' FROM made
                """)
            let ready = try Ledger.order(dependsOn: [open])
            _ = try await ledger.claim([ready])
            try await ledger.run(
                "UPDATE moose.work_order_dependencies SET depends_on = '\(done.id)' WHERE work_order_id = '\(ready.id)'"
            )
            #expect(try await ledger.store.sweep(idleLanes: []) == 1)
            #expect(try await ledger.state(ready.id) == "pending")
            #expect(try await ledger.count("moose.work_orders WHERE state = 'blocked'") == 1100)
        }
    }

    @Test func `an order of an unknown kind is rung again by each worker without it, half a minute later`() async throws
    {
        try await Ledger.open { ledger in
            let item = try Ledger.order()
            let others = ["other": KindTerms(estimate: .zero)]
            #expect(try await ledger.claim([item], kinds: others) == [.unknownKind])
            for _ in 0..<3 {
                #expect(
                    try await ledger.count(
                        """
                        moose.outbox WHERE doorbell_for = '\(item.id)'
                        AND due_at BETWEEN now() + interval '20 seconds' AND now() + interval '31 seconds'
                        """) == 1)
                try await ledger.run(
                    "UPDATE moose.outbox SET due_at = now(); UPDATE moose.work_orders SET run_at = now()")
                let verdicts = try await ledger.answerDoorbells(kinds: others).map(\.verdict)
                #expect(verdicts == [.unknownKind])
            }
        }
    }

    @Test func `what a relay could not publish goes out at the next look`() async throws {
        try await Ledger.open { ledger in
            let item = try Ledger.order()
            _ = try await ledger.claim([item], park: true)
            try await ledger.run("UPDATE moose.outbox SET due_at = now()")
            let lease = UUID()
            let due = try await ledger.store.leaseOutbox(lease)
            try await ledger.store.releaseOutbox(due)
            #expect(try await ledger.store.leaseOutbox(UUID()).map(\.doorbellFor) == [item.id])
            // Another's lease is not given back.
            try await ledger.store.releaseOutbox(due)
            #expect(try await ledger.store.leaseOutbox(UUID()).isEmpty)
        }
    }

    @Test func `an order parked by a worker without its kind is found by one that has it`() async throws {
        try await Ledger.open { ledger in
            let fresh = try Ledger.order()
            #expect(try await ledger.claim([fresh], kinds: ["other": KindTerms(estimate: .zero)]) == [.unknownKind])
            let found = try await ledger.store.parkedUnknown(kinds: ["work"], lanes: ["default"], limit: 10)
            #expect(found.map(\.id) == [fresh.id])
            #expect(try await ledger.store.parkedUnknown(kinds: ["other"], lanes: ["default"], limit: 10).isEmpty)
            #expect(try await ledger.store.parkedUnknown(kinds: ["work"], lanes: ["bulk"], limit: 10).isEmpty)
            _ = try await ledger.start(Ledger.doorbell(fresh.id))
            #expect(try await ledger.store.parkedUnknown(kinds: ["work"], lanes: ["default"], limit: 10).isEmpty)
        }
    }

    @Test func `after an outage a kind is still known though nobody has been seen for two minutes`() async throws {
        try await Ledger.open { ledger in
            let fresh = try Ledger.order()
            let old = ["other": KindTerms(estimate: .zero)]
            _ = try await ledger.claim([fresh], kinds: old)
            let registration = WorkerRegistration(
                id: UUID(), host: "h", pid: 1, version: "1", lanes: ["default"], kinds: ["work"], slots: 1)
            try await ledger.store.announce(registration, running: 0)
            try await ledger.run(
                """
                UPDATE moose.workers SET last_seen = now() - interval '2 minutes';
                UPDATE moose.work_orders SET unknown_since = now() - interval '1 hour'
                """)
            #expect(try await ledger.claim([Ledger.doorbell(fresh.id)], kinds: old) == [.unknownKind])
            try await ledger.run("UPDATE moose.workers SET last_seen = now() - interval '6 minutes'")
            #expect(
                try await ledger.claim([Ledger.doorbell(fresh.id)], kinds: old) == [.invalid(reason: "give_up")])
        }
    }
}
