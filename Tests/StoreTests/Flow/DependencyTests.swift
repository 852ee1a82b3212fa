import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// What becomes of orders that wait for others.
struct DependencyTests {
    private static let failure = AttemptFailure(.testFail, "no", retry: .never)

    /// The messages that name these two, of the operation `dependency`.
    private static func told(_ ledger: Ledger, _ waiting: UUID, _ broken: UUID) async throws -> Int64 {
        try await ledger.dependencyEvents(like: "%\(waiting)%\(broken)%")
    }

    @Test func `everyone along a chain is told once what broke`() async throws {
        try await Ledger.open { ledger in
            let first = try Ledger.order()
            let second = try Ledger.order(dependsOn: [first.id])
            let third = try Ledger.order(dependsOn: [second.id])
            #expect(try await ledger.claim([second, third]) == [.later, .later])
            try await ledger.end(first.id, try await ledger.start(first), .failed(Self.failure))
            try await ledger.settle()
            let late = try Ledger.order(dependsOn: [third.id])
            #expect(try await ledger.claim([late]) == [.later])
            try await ledger.settle()
            for waiting in [second, third, late] {
                #expect(try await ledger.state(waiting.id) == "blocked")
                #expect(try await Self.told(ledger, waiting.id, first.id) == 1)
            }
        }
    }

    @Test func `a failed dependency that is run again and completes releases the chain`() async throws {
        try await Ledger.open { ledger in
            let first = try Ledger.order()
            let second = try Ledger.order(dependsOn: [first.id])
            let third = try Ledger.order(dependsOn: [second.id])
            #expect(try await ledger.claim([third, second]) == [.later, .later])
            try await ledger.end(first.id, try await ledger.start(first), .failed(Self.failure))
            try await ledger.run("UPDATE moose.work_orders SET state = 'pending' WHERE id = '\(first.id)'")
            for item in [first, second, third] {
                let token = try await ledger.start(Ledger.doorbell(item.id))
                try await ledger.end(item.id, token)
            }
            #expect(try await ledger.takeDoorbells() == [second.id, third.id])
        }
    }

    @Test func `an order waits for one nobody has seen, and is rung when that has run`() async throws {
        try await Ledger.open { ledger in
            let first = try Ledger.order()
            let second = try Ledger.order(dependsOn: [first.id])
            #expect(try await ledger.claim([second]) == [.later])
            _ = try await ledger.store.sweep(idleLanes: ["default"])
            #expect(try await ledger.count("moose.outbox") == 0)
            try await ledger.end(first.id, try await ledger.start(first))
            #expect(try await ledger.answerDoorbells().map(\.id) == [second.id])
        }
    }

    @Test func `one that fails again after a retry is told of again`() async throws {
        try await Ledger.open { ledger in
            let first = try Ledger.order()
            let second = try Ledger.order(dependsOn: [first.id])
            #expect(try await ledger.claim([second]) == [.later])
            for round in 1...2 {
                let token = try await ledger.start(round == 1 ? first : Ledger.doorbell(first.id))
                try await ledger.end(first.id, token, .failed(Self.failure))
                try await ledger.settle()
                #expect(try await Self.told(ledger, second.id, first.id) == Int64(round))
                try await ledger.run("SELECT moose.retry_work_orders('{\(first.id)}', 'ann', 'again')")
            }
        }
    }

    @Test(arguments: [true, false])
    func `orders that wait for each other are refused`(inOneBatch: Bool) async throws {
        try await Ledger.open { ledger in
            let ids = (1...3).map { _ in UUID.timeOrdered() }
            // One of them also waits for one that runs: its turn comes first.
            let running = try Ledger.order()
            let token = try await ledger.start(running)
            let items = try ids.indices.map {
                try Ledger.order(ids[$0], dependsOn: [ids[($0 + 1) % 3]] + ($0 == 1 ? [running.id] : []))
            }
            let outside = try Ledger.order(dependsOn: [ids[0]])
            #expect(try await ledger.claim([outside]) == [.later])
            for batch in inOneBatch ? [items] : items.map({ [$0] }) {
                #expect(try await ledger.claim(batch).allSatisfy { $0 == .later })
                try await ledger.settle()
            }
            try await ledger.end(running.id, token)
            try await ledger.settle()
            let failed = try await ledger.these(items, in: "failed").map { items[$0].id }
            #expect(failed.count == 1, "one of them is enough")
            #expect(try await ledger.events(reason: "dependency_cycle") == 1)
            // A person hears of each: it failed, or it waits for one that did.
            for waiting in items + [outside] where !failed.contains(waiting.id) {
                #expect(try await Self.told(ledger, waiting.id, failed[0]) == 1)
            }
        }
    }

    @Test func `a cycle whose orders came in claims that could not see each other is refused`() async throws {
        try await Ledger.open(connections: 6) { ledger in
            try await ledger.openSlowProject()
            let ids = [UUID.timeOrdered(), UUID.timeOrdered()]
            let claims = try await ledger.store.postgres.withTransaction { transaction in
                _ = try await transaction.run("SELECT 1 FROM moose.budget_buckets ORDER BY id LIMIT 1 FOR UPDATE")
                let claims = [0, 1].map { index in
                    Task {
                        try await ledger.claim([
                            try Ledger.order(project: "slow"),
                            try Ledger.order(ids[index], dependsOn: [ids[1 - index]]),
                        ])
                    }
                }
                try await eventually("both claims wait") { try await ledger.lockWaiters() == 2 }
                return claims
            }
            for claim in claims { _ = try await claim.value }
            try await ledger.settle()
            #expect(try await ledger.count("moose.work_orders WHERE state = 'failed'") == 1)
            #expect(try await ledger.events(reason: "dependency_cycle") == 1)
        }
    }

    @Test(arguments: [
        "SELECT moose.retry_work_orders(ARRAY(SELECT id FROM moose.work_orders WHERE state = 'failed'), 'a', 'b')",
        "SELECT moose.redrive_orders(ARRAY(SELECT id FROM moose.dead_letters), 'a', 'b')",
    ])
    func `a refused cycle that is tried again is refused again, and told`(again: String) async throws {
        try await Ledger.open { ledger in
            let ids = [UUID.timeOrdered(), UUID.timeOrdered()]
            _ = try await ledger.claim([0, 1].map { try Ledger.order(ids[$0], dependsOn: [ids[1 - $0]]) })
            try await ledger.settle()
            #expect(try await ledger.events(reason: "dependency_cycle") == 1)
            try await ledger.run(again)
            #expect(try await ledger.count("moose.work_orders WHERE state = 'blocked'") == 2)
            try await ledger.settle()
            #expect(try await ledger.count("moose.work_orders WHERE state = 'failed'") == 1)
            #expect(try await ledger.events(reason: "dependency_cycle") == 2)
        }
    }

    @Test func `a cycle of two thousand is walked in pieces and refused`() async throws {
        try await Ledger.open { ledger in
            try await ledger.run(
                """
                CREATE TEMP TABLE made AS SELECT n, gen_random_uuid() AS id FROM generate_series(0, 1999) AS n;
                INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
                SELECT id, 'blocked', 'work', 'default', 't', now(), '', 'x' FROM made;
                INSERT INTO moose.work_order_dependencies
                SELECT m.id, d.id FROM made m JOIN made d ON d.n = (m.n + 1) % 2000
                """)
            try await eventually("it is refused") {
                try await ledger.settle()
                return try await ledger.count("moose.work_orders WHERE state = 'failed'") == 1
            }
            #expect(try await ledger.events(reason: "dependency_cycle") == 1)
        }
    }

    @Test func `an id that never comes is told of once, by its name, and completes like any other when it comes`()
        async throws
    {
        try await Ledger.open { ledger in
            let missing = try Ledger.order()
            let waiting = try [1, 2].map { _ in try Ledger.order(dependsOn: [missing.id]) }
            #expect(try await ledger.claim(waiting) == [.later, .later])
            try await ledger.settle()
            #expect(try await ledger.events(reason: "never_came") == 0)
            try await ledger.run(
                """
                UPDATE moose.dependency_waits SET since = now() - interval '61 minutes',
                                                  look_at = look_at - interval '61 minutes'
                """)
            for _ in 1...2 { try await ledger.settle() }
            #expect(try await ledger.events(reason: "never_came") == 1)
            #expect(try await ledger.dependencyEvents(like: "%\(missing.id)%so do 1 more%") == 1)
            try await ledger.end(missing.id, try await ledger.start(missing))
            #expect(Set(try await ledger.takeDoorbells()) == Set(waiting.map(\.id)))
        }
    }

    @Test func `a long chain in its order is claimed without a look back`() async throws {
        try await Ledger.open { ledger in
            var previous: [UUID] = []
            let items = try (0..<400).map { _ in
                let item = try Ledger.order(dependsOn: previous)
                previous = [item.id]
                return item
            }
            let verdicts = try await ledger.claim(items)
            #expect(verdicts.dropFirst().allSatisfy { $0 == .later })
            #expect(verdicts[0].token == 1)
        }
    }
}
