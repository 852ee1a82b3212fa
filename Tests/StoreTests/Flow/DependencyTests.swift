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
    private static func told(_ desk: StoreDesk, _ waiting: UUID, _ broken: UUID) async throws -> Int64 {
        try await desk.dependencyEvents(like: "%\(waiting)%\(broken)%")
    }

    @Test func `everyone along a chain is told once what broke`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order()
            let second = try StoreDesk.order(dependsOn: [first.id])
            let third = try StoreDesk.order(dependsOn: [second.id])
            #expect(try await desk.claim([second, third]) == [.later, .later])
            try await desk.end(first.id, try await desk.start(first), .failed(Self.failure))
            try await desk.settle()
            let late = try StoreDesk.order(dependsOn: [third.id])
            #expect(try await desk.claim([late]) == [.later])
            try await desk.settle()
            for waiting in [second, third, late] {
                #expect(try await desk.state(waiting.id) == "blocked")
                #expect(try await Self.told(desk, waiting.id, first.id) == 1)
            }
        }
    }

    @Test func `a failed dependency that is run again and completes releases the chain`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order()
            let second = try StoreDesk.order(dependsOn: [first.id])
            let third = try StoreDesk.order(dependsOn: [second.id])
            #expect(try await desk.claim([third, second]) == [.later, .later])
            try await desk.end(first.id, try await desk.start(first), .failed(Self.failure))
            try await desk.run("UPDATE moose.work_orders SET state = 'pending' WHERE id = '\(first.id)'")
            for item in [first, second, third] {
                let token = try await desk.start(StoreDesk.registered(item.id))
                try await desk.end(item.id, token)
            }
            #expect(try await desk.count("moose.waiting") == 0)
        }
    }

    @Test func `an order waits for one nobody has seen, and is taken when that has run`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order()
            let second = try StoreDesk.order(dependsOn: [first.id])
            #expect(try await desk.claim([second]) == [.later])
            _ = try await desk.store.tidy()
            #expect(try await desk.takeLine().isEmpty)
            try await desk.end(first.id, try await desk.start(first))
            #expect(try await desk.takeLine().map(\.id) == [second.id])
        }
    }

    @Test func `one that fails again after a retry is told of again`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order()
            let second = try StoreDesk.order(dependsOn: [first.id])
            #expect(try await desk.claim([second]) == [.later])
            for round in 1...2 {
                let token = try await desk.start(round == 1 ? first : StoreDesk.registered(first.id))
                try await desk.end(first.id, token, .failed(Self.failure))
                try await desk.settle()
                #expect(try await Self.told(desk, second.id, first.id) == Int64(round))
                try await desk.run("SELECT moose.retry_work_orders('{\(first.id)}', 'ann', 'again')")
            }
        }
    }

    @Test(arguments: [true, false])
    func `orders that wait for each other are refused`(inOneBatch: Bool) async throws {
        try await StoreDesk.open { desk in
            let ids = (1...3).map { _ in UUID.timeOrdered() }
            // One of them also waits for one that runs: its turn comes first.
            let running = try StoreDesk.order()
            let token = try await desk.start(running)
            let items = try ids.indices.map {
                try StoreDesk.order(ids[$0], dependsOn: [ids[($0 + 1) % 3]] + ($0 == 1 ? [running.id] : []))
            }
            let outside = try StoreDesk.order(dependsOn: [ids[0]])
            #expect(try await desk.claim([outside]) == [.later])
            for batch in inOneBatch ? [items] : items.map({ [$0] }) {
                #expect(try await desk.claim(batch).allSatisfy { $0 == .later })
                try await desk.settle()
            }
            try await desk.end(running.id, token)
            try await desk.settle()
            let failed = try await desk.these(items, in: "failed").map { items[$0].id }
            #expect(failed.count == 1, "one of them is enough")
            #expect(try await desk.events(reason: "dependency_cycle") == 1)
            // A person hears of each: it failed, or it waits for one that did.
            let refused = try #require(failed.first)
            for waiting in items + [outside] where !failed.contains(waiting.id) {
                #expect(try await Self.told(desk, waiting.id, refused) == 1)
            }
        }
    }

    @Test func `a cycle whose orders came in claims that could not see each other is refused`() async throws {
        try await StoreDesk.open(connections: 6) { desk in
            try await desk.openSlowProject()
            let ids = [UUID.timeOrdered(), UUID.timeOrdered()]
            let claims = try await desk.store.postgres.withTransaction { transaction in
                _ = try await transaction.run("SELECT 1 FROM moose.budget_buckets ORDER BY id LIMIT 1 FOR UPDATE")
                let claims = [0, 1].map { index in
                    Task {
                        try await desk.claim([
                            try StoreDesk.order(project: "slow"),
                            try StoreDesk.order(ids[index], dependsOn: [ids[1 - index]]),
                        ])
                    }
                }
                try await eventually("both claims wait") { try await desk.lockWaiters() == 2 }
                return claims
            }
            for claim in claims { _ = try await claim.value }
            try await desk.settle()
            #expect(try await desk.count("moose.work_orders WHERE state = 'failed'") == 1)
            #expect(try await desk.events(reason: "dependency_cycle") == 1)
        }
    }

    @Test(arguments: [
        "SELECT moose.retry_work_orders(ARRAY(SELECT id FROM moose.work_orders WHERE state = 'failed'), 'a', 'b')",
        "SELECT moose.redrive_orders(ARRAY(SELECT id FROM moose.dead_letters), 'a', 'b')",
    ])
    func `a refused cycle that is tried again is refused again, and told`(again: String) async throws {
        try await StoreDesk.open { desk in
            let ids = [UUID.timeOrdered(), UUID.timeOrdered()]
            _ = try await desk.claim([0, 1].map { try StoreDesk.order(ids[$0], dependsOn: [ids[1 - $0]]) })
            try await desk.settle()
            #expect(try await desk.events(reason: "dependency_cycle") == 1)
            try await desk.run(again)
            #expect(try await desk.count("moose.work_orders WHERE state = 'blocked'") == 2)
            try await desk.settle()
            #expect(try await desk.count("moose.work_orders WHERE state = 'failed'") == 1)
            #expect(try await desk.events(reason: "dependency_cycle") == 2)
        }
    }

    @Test func `a cycle of two thousand is walked in pieces and refused`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run(
                """
                CREATE TEMP TABLE made AS SELECT n, gen_random_uuid() AS id FROM generate_series(0, 1999) AS n;
                INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
                SELECT id, 'blocked', 'work', 'default', 't', now(), '', 'x' FROM made;
                INSERT INTO moose.work_order_dependencies
                SELECT m.id, d.id FROM made m JOIN made d ON d.n = (m.n + 1) % 2000
                """)
            try await eventually("it is refused") {
                try await desk.settle()
                return try await desk.count("moose.work_orders WHERE state = 'failed'") == 1
            }
            #expect(try await desk.events(reason: "dependency_cycle") == 1)
        }
    }

    @Test func `an id that never comes is told of once, by its name, and completes like any other when it comes`()
        async throws
    {
        try await StoreDesk.open { desk in
            let missing = try StoreDesk.order()
            let waiting = try [1, 2].map { _ in try StoreDesk.order(dependsOn: [missing.id]) }
            #expect(try await desk.claim(waiting) == [.later, .later])
            try await desk.settle()
            #expect(try await desk.events(reason: "never_came") == 0)
            try await desk.run(
                """
                UPDATE moose.dependency_waits SET since = now() - interval '61 minutes',
                                                  look_at = look_at - interval '61 minutes'
                """)
            for _ in 1...2 { try await desk.settle() }
            #expect(try await desk.events(reason: "never_came") == 1)
            #expect(try await desk.dependencyEvents(like: "%\(missing.id)%so do 1 more%") == 1)
            try await desk.end(missing.id, try await desk.start(missing))
            #expect(Set(try await desk.callDue()) == Set(waiting.map(\.id)))
        }
    }

    @Test func `a long chain in its order is claimed without a look back`() async throws {
        try await StoreDesk.open { desk in
            var previous: [UUID] = []
            let items = try (0..<400).map { _ in
                let item = try StoreDesk.order(dependsOn: previous)
                previous = [item.id]
                return item
            }
            let verdicts = try await desk.claim(items)
            #expect(verdicts.dropFirst().allSatisfy { $0 == .later })
            #expect(verdicts[0].token == 1)
        }
    }
}
