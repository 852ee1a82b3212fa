import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// Single wake-ups that were lost once, or would be lost first.
struct WakeUpTests {
    @Test func `a dependency that arrives, runs and ends while its dependant is being claimed wakes it`() async throws {
        try await StoreDesk.open(connections: 6) { desk in
            // A budget whose row comes first in the order of locks: who holds it stops a claim after its orders are
            // written and before they are seen.
            try await desk.openSlowProject()
            let first = try StoreDesk.order()
            let dependant = try StoreDesk.order(dependsOn: [first.id])
            let slow = try StoreDesk.order(project: "slow")
            let claiming = try await desk.store.postgres.withTransaction { transaction in
                _ = try await transaction.run("SELECT 1 FROM moose.budget_buckets ORDER BY id LIMIT 1 FOR UPDATE")
                let claiming = Task { try await desk.claim([slow, dependant]) }
                try await Self.waitForBlocked(1, desk)
                let ending = Task { try await desk.end(first.id, try await desk.start(first)) }
                try await eventually("the dependency has ended, or waits for the claim") {
                    if try await desk.count("moose.outcome_vectors") == 1 { return true }
                    return try await desk.lockWaiters() == 2
                }
                return (claiming, ending)
            }
            _ = try await claiming.0.value
            #expect(try await claiming.1.value)
            try await desk.settle()
            #expect(try await desk.state(dependant.id) == "pending")
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL AND id = '\(dependant.id)'") == 1)
        }
    }

    @Test func `the last of two dependencies sees the first, whose end is not committed yet`() async throws {
        try await StoreDesk.open(connections: 6) { desk in
            try await desk.openSlowProject()
            let first = try StoreDesk.order(usd: "0.01", project: "slow")
            let second = try StoreDesk.order(usd: "0.01")
            let tokens = (try await desk.start(first), try await desk.start(second))
            let dependant = try StoreDesk.order(dependsOn: [first.id, second.id])
            _ = try await desk.claim([dependant])
            #expect(try await desk.state(dependant.id) == "blocked")
            let ending = try await desk.store.postgres.withTransaction { transaction in
                // The first end stops at its budget's row, which is after it looked for dependants.
                _ = try await transaction.run("SELECT 1 FROM moose.budget_buckets ORDER BY id LIMIT 1 FOR UPDATE")
                let first = Task { try await desk.end(first.id, tokens.0) }
                try await Self.waitForBlocked(1, desk)
                let second = Task { try await desk.end(second.id, tokens.1) }
                try await eventually("the second has ended, or waits for the first") {
                    if try await desk.count("moose.outcome_vectors") == 1 { return true }
                    return try await desk.lockWaiters() == 2
                }
                return (first, second)
            }
            #expect(try await ending.0.value)
            #expect(try await ending.1.value)
            try await desk.settle()
            #expect(try await desk.state(dependant.id) == "pending")
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL AND id = '\(dependant.id)'") == 1)
        }
    }

    private static func waitForBlocked(_ wanted: Int64, _ desk: StoreDesk) async throws {
        try await eventually("\(wanted) sessions wait for a lock") { try await desk.lockWaiters() == wanted }
    }

    @Test func `a hundred and fifty orders too dear for the day hide none that fits`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("60")
            _ = try await desk.claim(try (1...150).map { _ in try StoreDesk.order(usd: "50") })
            _ = try await desk.start(try StoreDesk.order(usd: "40"))
            let cheap = try StoreDesk.order(usd: "2")
            _ = try await desk.claim([cheap])
            #expect(try await desk.count("moose.work_orders WHERE state = 'awaiting_budget'") == 151)
            try await desk.run("UPDATE moose.budget_policies SET kill_u = 105000000 WHERE period = 'day'")
            #expect(try await desk.store.wakeForMoney() == 1)
            #expect(try await desk.state(cheap.id) == "pending")
        }
    }

    @Test func `an end that is not committed when its dependant is looked at is waited for`() async throws {
        try await StoreDesk.open(connections: 6) { desk in
            try await desk.openSlowProject()
            let first = try StoreDesk.order(usd: "0.01", project: "slow")
            let token = try await desk.start(first)
            let dependant = try StoreDesk.order(dependsOn: [first.id])
            let ending = try await desk.store.postgres.withTransaction { transaction in
                // The end stops at its budget's row, which is after it looked for dependants.
                _ = try await transaction.run("SELECT 1 FROM moose.budget_buckets ORDER BY id LIMIT 1 FOR UPDATE")
                let ending = Task { try await desk.end(first.id, token) }
                try await Self.waitForBlocked(1, desk)
                #expect(try await desk.claim([dependant]) == [.later])
                try await desk.lookOnce()
                return ending
            }
            #expect(try await ending.value)
            try await eventually("a later look finds the end") {
                try await desk.settle()
                return try await desk.state(dependant.id) == "pending"
            }
        }
    }

    @Test func `a net finds a wait whose dependency was completed by hand, behind five thousand others`() async throws {
        try await StoreDesk.open { desk in
            let open = UUID.timeOrdered()
            try await desk.block(5100, on: open)
            let done = try StoreDesk.order()
            let ready = try StoreDesk.order(dependsOn: [done.id])
            _ = try await desk.claim([ready])
            try await desk.settle()
            let token = try await desk.start(done)
            try await desk.run(
                """
                UPDATE moose.work_orders SET state = 'completed'
                WHERE id = '\(done.id)' AND fencing_token = \(token);
                DELETE FROM moose.leases WHERE id = '\(done.id)';
                UPDATE moose.turns SET place = ''
                """)
            var found = 0
            for _ in 1...2 { found += try await desk.store.tidy() }
            #expect(found == 1)
            try await desk.settle()
            #expect(try await desk.state(ready.id) == "pending")
            #expect(try await desk.count("moose.work_orders WHERE state = 'blocked'") == 5100)
        }
    }

    @Test func `an order of an unknown kind may be taken again by each worker without it, half a minute later`()
        async throws
    {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order()
            let others = ["other": KindTerms(estimate: .zero)]
            #expect(try await desk.claim([item], kinds: others) == [.unknownKind])
            for _ in 0..<3 {
                #expect(
                    try await desk.count(
                        """
                        moose.waiting WHERE id = '\(item.id)'
                        AND due BETWEEN now() + interval '20 seconds' AND now() + interval '31 seconds'
                        """) == 1)
                #expect(try await desk.takeLine(kinds: others).isEmpty)
                try await desk.run("UPDATE moose.waiting SET due = now()")
                let verdicts = try await desk.takeLine(kinds: others).map(\.verdict)
                #expect(verdicts == [.unknownKind])
            }
        }
    }

    @Test func `what a relay could not publish goes out at the next look`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run(
                "INSERT INTO moose.outbox (exchange, routing_key, type) VALUES ('moose.events', 'x', 'moose.outcome.v1')"
            )
            let due = try await desk.store.leaseOutbox(UUID())
            _ = try await desk.store.settleOutbox(confirmed: [], unsent: due)
            #expect(try await desk.store.leaseOutbox(UUID()).map(\.row) == due.map(\.row))
            // Another's lease is not given back.
            _ = try await desk.store.settleOutbox(confirmed: [], unsent: due)
            #expect(try await desk.store.leaseOutbox(UUID()).isEmpty)
        }
    }

    @Test func `an order put off by a worker without its kind is taken at once by one that has it`() async throws {
        try await StoreDesk.open { desk in
            let fresh = try StoreDesk.order()
            #expect(try await desk.claim([fresh], kinds: ["other": KindTerms(estimate: .zero)]) == [.unknownKind])
            func lanes(_ kind: String, _ lane: String) async throws -> Set<String> {
                try await desk.store.lookAtLine(lanes: [lane], kinds: [kind]).lanes
            }
            #expect(try await lanes("work", "default") == ["default"])
            #expect(try await lanes("other", "default").isEmpty)
            #expect(try await lanes("work", "bulk").isEmpty)
            #expect(try await desk.takeLine(kinds: ["other": KindTerms(estimate: .zero)]).isEmpty)
            #expect(try await desk.takeLine().map(\.id) == [fresh.id])
            #expect(try await lanes("work", "default").isEmpty)
        }
    }

    @Test func `after an outage a kind is still known though nobody has been seen for two minutes`() async throws {
        try await StoreDesk.open { desk in
            let fresh = try StoreDesk.order()
            let old = ["other": KindTerms(estimate: .zero)]
            _ = try await desk.claim([fresh], kinds: old)
            let registration = WorkerRegistration(
                id: UUID(), host: "h", pid: 1, version: "1", lanes: ["default"], kinds: ["work"], slots: 1)
            try await desk.store.announce(registration, running: 0)
            try await desk.run(
                """
                UPDATE moose.workers SET last_seen = now() - interval '2 minutes';
                UPDATE moose.work_orders SET unknown_since = now() - interval '1 hour'
                """)
            #expect(try await desk.claim([StoreDesk.registered(fresh.id)], kinds: old) == [.unknownKind])
            try await desk.run("UPDATE moose.workers SET last_seen = now() - interval '6 minutes'")
            #expect(
                try await desk.claim([StoreDesk.registered(fresh.id)], kinds: old) == [.invalid(reason: "give_up")])
        }
    }
}
