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
            try await ledger.openSlowProject()
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
                    return try await ledger.lockWaiters() == 2
                }
                return (claiming, ending)
            }
            _ = try await claiming.0.value
            #expect(try await claiming.1.value)
            try await ledger.settle()
            #expect(try await ledger.state(dependant.id) == "pending")
            #expect(try await ledger.count("moose.outbox WHERE doorbell_for = '\(dependant.id)'") == 1)
        }
    }

    @Test func `the last of two dependencies sees the first, whose end is not committed yet`() async throws {
        try await Ledger.open(connections: 6) { ledger in
            try await ledger.openSlowProject()
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
                    return try await ledger.lockWaiters() == 2
                }
                return (first, second)
            }
            #expect(try await ending.0.value)
            #expect(try await ending.1.value)
            try await ledger.settle()
            #expect(try await ledger.state(dependant.id) == "pending")
            #expect(try await ledger.count("moose.outbox WHERE doorbell_for = '\(dependant.id)'") == 1)
        }
    }

    private static func waitForBlocked(_ wanted: Int64, _ ledger: Ledger) async throws {
        try await eventually("\(wanted) sessions wait for a lock") { try await ledger.lockWaiters() == wanted }
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

    @Test func `an end that is not committed when its dependant is looked at is waited for`() async throws {
        try await Ledger.open(connections: 6) { ledger in
            try await ledger.openSlowProject()
            let first = try Ledger.order(usd: "0.01", project: "slow")
            let token = try await ledger.start(first)
            let dependant = try Ledger.order(dependsOn: [first.id])
            let ending = try await ledger.store.postgres.withTransaction { transaction in
                // The end stops at its budget's row, which is after it looked for dependants.
                _ = try await transaction.run("SELECT 1 FROM moose.budget_buckets ORDER BY id LIMIT 1 FOR UPDATE")
                let ending = Task { try await ledger.end(first.id, token) }
                try await Self.waitForBlocked(1, ledger)
                #expect(try await ledger.claim([dependant]) == [.later])
                try await ledger.lookOnce()
                return ending
            }
            #expect(try await ending.value)
            try await eventually("a later look finds the end") {
                try await ledger.settle()
                return try await ledger.state(dependant.id) == "pending"
            }
        }
    }

    @Test func `a net finds a wait whose dependency was completed by hand, behind five thousand others`() async throws {
        try await Ledger.open { ledger in
            let open = UUID.timeOrdered()
            try await ledger.block(5100, on: open)
            let done = try Ledger.order()
            let ready = try Ledger.order(dependsOn: [done.id])
            _ = try await ledger.claim([ready])
            try await ledger.settle()
            let token = try await ledger.start(done)
            try await ledger.run(
                """
                UPDATE moose.work_orders SET state = 'completed'
                WHERE id = '\(done.id)' AND fencing_token = \(token);
                DELETE FROM moose.leases WHERE id = '\(done.id)';
                UPDATE moose.turns SET place = ''
                """)
            var found = 0
            for _ in 1...2 { found += try await ledger.store.tidy() }
            #expect(found == 1)
            try await ledger.settle()
            #expect(try await ledger.state(ready.id) == "pending")
            #expect(try await ledger.count("moose.work_orders WHERE state = 'blocked'") == 5100)
        }
    }

    @Test func `the sweeper goes on where it stood, past all that wait rightly`() async throws {
        try await Ledger.open { ledger in
            try await ledger.run(
                """
                INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
                SELECT gen_random_uuid(), 'pending', 'work', 'default', 't', now() - interval '2 hours', '', 'x'
                FROM generate_series(1, \(Store.sweepPiece + 100));
                INSERT INTO moose.outbox (doorbell_for, exchange, routing_key, type, due_at)
                SELECT id, 'moose.work', lane, 'moose.doorbell.v1', now() FROM moose.work_orders
                """)
            let lost = try Ledger.order()
            _ = try await ledger.claim([lost], park: true)
            try await ledger.run(
                """
                DELETE FROM moose.outbox WHERE doorbell_for = '\(lost.id)';
                UPDATE moose.work_orders SET run_at = now() - interval '1 hour' WHERE id = '\(lost.id)'
                """)
            var places: [String: SweepPlace] = [:]
            // No scheduled orders; two pieces of pending ones.
            var rung: [Int] = []
            for _ in 1...3 {
                rung.append(try await ledger.store.sweep(idleLanes: ["default"], places: &places, pieces: 1))
            }
            #expect(rung == [0, 0, 1])
            #expect(try await ledger.count("moose.outbox WHERE doorbell_for = '\(lost.id)'") == 1)
            #expect(try await ledger.store.sweep(idleLanes: ["other"]) == 0)
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
