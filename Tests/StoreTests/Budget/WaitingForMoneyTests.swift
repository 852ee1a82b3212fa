import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// Who is woken when there is money again. The caps of a new database: $100 a day, $600 a month.
struct WaitingForMoneyTests {
    @Test func `a raise wakes the oldest, as many as it pays for`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("100")
            let items = try (1...6).map { _ in try StoreDesk.order(usd: "1") }
            for item in items { _ = try await desk.claim([item]) }
            #expect(try await desk.store.wakeForMoney() == 0)
            try await desk.run("UPDATE moose.budget_policies SET kill_u = 103000000 WHERE period = 'day'")
            #expect(try await desk.store.wakeForMoney() == 3)
            #expect(try await desk.these(items, in: "pending") == [0, 1, 2])
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL") == 3)
            // What was woken is on its way to its money: the next look wakes nobody for the same dollars.
            #expect(try await desk.store.wakeForMoney() == 0)
            #expect(try await desk.start(StoreDesk.registered(items[0].id)) == 2)
        }
    }

    @Test func `a new window wakes what the old one refused`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("100")
            let item = try StoreDesk.order(usd: "1")
            _ = try await desk.claim([item])
            try await desk.run(
                """
                UPDATE moose.budget_buckets SET window_start = window_start - interval '1 day',
                       window_end = window_end - interval '1 day'
                WHERE window_end - window_start < interval '2 days'
                """)
            #expect(try await desk.store.wakeForMoney() == 1)
            #expect(try await desk.start(StoreDesk.registered(item.id)) == 2)
        }
    }

    @Test func `no younger order passes one that only waits for running work`() async throws {
        try await StoreDesk.open { desk in
            let running = try StoreDesk.order(usd: "95")
            let token = try await desk.start(running)
            let items = [try StoreDesk.order(usd: "50"), try StoreDesk.order(usd: "6")]
            for item in items { _ = try await desk.claim([item]) }
            try await desk.run("UPDATE moose.budget_policies SET kill_u = 110000000 WHERE period = 'day'")
            #expect(try await desk.store.wakeForMoney() == 0, "the dear one is next")
            try await desk.end(running.id, token, cost: StoreDesk.usd("1"))
            #expect(try await desk.store.wakeForMoney() == 2)
        }
    }

    @Test func `an order that can't fit today stands in nobody's way`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("60")
            _ = try await desk.start(try StoreDesk.order(usd: "40"))
            let items = [try StoreDesk.order(usd: "50"), try StoreDesk.order(usd: "2")]
            for item in items { _ = try await desk.claim([item]) }
            try await desk.run("UPDATE moose.budget_policies SET kill_u = 105000000 WHERE period = 'day'")
            #expect(try await desk.store.wakeForMoney() == 1)
            #expect(try await desk.these(items, in: "pending") == [1])
        }
    }

    @Test func `a project without money hides no other project's orders`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run(
                """
                INSERT INTO moose.budget_policies (scope, name, period, kill_u)
                VALUES ('project', 'poor', 'day', 1000000), ('project', 'rich', 'day', 1000000)
                """)
            for project in ["poor", "rich"] {
                let item = try StoreDesk.order(usd: "1", project: project)
                try await desk.end(item.id, try await desk.start(item), cost: StoreDesk.usd("1"))
            }
            let poor = try (1...600).map { _ in try StoreDesk.order(usd: "1", project: "poor") }
            _ = try await desk.claim(poor)
            let rich = try StoreDesk.order(usd: "1", project: "rich")
            _ = try await desk.claim([rich])
            try await desk.run("UPDATE moose.budget_policies SET kill_u = 2000000 WHERE name = 'rich'")
            #expect(try await desk.store.wakeForMoney() == 1)
            #expect(try await desk.state(rich.id) == "pending")
        }
    }

    @Test func `an order that ends while it waits is forgotten by the wake-up`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("100")
            let item = try StoreDesk.order(usd: "1")
            _ = try await desk.claim([item])
            try await desk.run("UPDATE moose.work_orders SET state = 'cancelled' WHERE id = '\(item.id)'")
            #expect(try await desk.count("moose.work_orders WHERE waits_on IS NOT NULL") == 0)
        }
    }

    @Test func `a lowered cap fails those that never fit it, and nobody else`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("100")
            let dear = try (1...3).map { _ in try StoreDesk.order(usd: "60") }
            let cheap = try StoreDesk.order(usd: "40")
            for item in dear + [cheap] { _ = try await desk.claim([item]) }
            #expect(try await desk.store.wakeForMoney() == 0)
            #expect(try await desk.count("moose.work_orders WHERE state = 'awaiting_budget'") == 4)
            try await desk.run(
                "UPDATE moose.budget_policies SET hard_u = 50000000, kill_u = 50000000 WHERE period = 'day'")
            _ = try await desk.store.wakeForMoney()
            for item in dear { #expect(try await desk.state(item.id) == "failed") }
            #expect(try await desk.state(cheap.id) == "awaiting_budget")
            #expect(try await desk.events(reason: "never_fits") == 3)
            #expect(try await desk.count("moose.dead_letters WHERE reason = 'never_fits' AND state = 'dead'") == 3)
        }
    }

    @Test func `a cap that was lowered by the end of a raise does the same, more than a look takes at once too`()
        async throws
    {
        try await StoreDesk.open { desk in
            try await desk.run(
                """
                INSERT INTO moose.budget_policies (scope, name, period, kill_u, raised_u, raised_until)
                VALUES ('project', 'p', 'day', 1000000, 9000000, now() + interval '1 hour')
                """)
            let first = try StoreDesk.order(usd: "9", project: "p")
            try await desk.end(first.id, try await desk.start(first), cost: StoreDesk.usd("9"))
            let items = try (1...1200).map { _ in try StoreDesk.order(usd: "2", project: "p") }
            for start in stride(from: 0, to: items.count, by: 400) {
                _ = try await desk.claim(Array(items[start..<start + 400]))
            }
            #expect(try await desk.count("moose.work_orders WHERE state = 'awaiting_budget'") == 1200)
            try await desk.run("UPDATE moose.budget_policies SET raised_until = now() WHERE name = 'p'")
            for _ in 1...3 { _ = try await desk.store.wakeForMoney() }
            #expect(try await desk.count("moose.work_orders WHERE state = 'failed'") == 1200)
            #expect(try await desk.events(reason: "never_fits") == 1200)
        }
    }
}
