import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// Orders that leave the line of a gate without having run: whoever is next goes at once, without a sweep.
struct GateLeavingTests {
    /// A running order of a key and three that wait for it, the oldest first.
    private static func line(_ desk: StoreDesk) async throws -> [UUID] {
        let items = try (1...4).map { _ in try StoreDesk.keyed("repo") }
        for item in items { _ = try await desk.claim([item]) }
        return items.map(\.id)
    }

    private static func leave(_ order: UUID, _ way: String, _ desk: StoreDesk) async throws {
        switch way {
        case "cancelled":
            _ = try await desk.store.postgres.run(
                "SELECT * FROM moose.cancel_work_orders(ARRAY[\(order)], 'ann', 'not wanted')")
        case "failed":
            try await desk.run("UPDATE moose.work_orders SET state = 'failed' WHERE id = '\(order)'")
        case "blocked":
            try await desk.run("UPDATE moose.work_orders SET state = 'blocked' WHERE id = '\(order)'")
        case "moved":
            try await desk.run("UPDATE moose.work_orders SET lane = 'other' WHERE id = '\(order)'")
        case "another key":
            try await desk.run("UPDATE moose.work_orders SET concurrency_key = 'other' WHERE id = '\(order)'")
        default: try await desk.run("DELETE FROM moose.work_orders WHERE id = '\(order)'")
        }
    }

    static let ways = ["cancelled", "failed", "blocked", "moved", "another key", "deleted"]

    @Test(arguments: ways)
    func `the oldest leaves before it was rung: the next one is not held back by it`(way: String) async throws {
        try await StoreDesk.open { desk in
            let line = try await Self.line(desk)
            try await Self.leave(line[1], way, desk)
            _ = try await desk.callDue()
            try await desk.end(line[0], 1)
            #expect(try await desk.callDue() == [line[2]])
            #expect(try await desk.start(StoreDesk.registered(line[2])) == 1)
        }
    }

    @Test(arguments: ways)
    func `the one on its way leaves: the next one is rung in the same commit`(way: String) async throws {
        try await StoreDesk.open { desk in
            let line = try await Self.line(desk)
            try await desk.end(line[0], 1)
            #expect(try await desk.callDue() == [line[1]], "it is on its way")
            try await Self.leave(line[1], way, desk)
            #expect(try await desk.callDue().contains(line[2]))
            #expect(try await desk.start(StoreDesk.registered(line[2])) == 1)
            #expect(try await desk.count("moose.gate_waits WHERE work_order_id = '\(line[1])'") == 0)
        }
    }

    @Test func `a place is not kept for one whose lane is paused, and its lane wakes it when it goes on`() async throws
    {
        try await StoreDesk.open { desk in
            let key = ["concurrency_key": "\"repo\""]
            let runs = try StoreDesk.order(key)
            let waits = try StoreDesk.order(key, lane: "llm")
            let next = try StoreDesk.order(key)
            for item in [runs, waits, next] { _ = try await desk.claim([item]) }
            _ = try await desk.callDue()
            try await desk.run("SELECT moose.pause_lane('llm', 'ann', 'too dear')")
            try await desk.end(runs.id, 1)
            #expect(try await desk.callDue() == [next.id])
            #expect(try await desk.start(StoreDesk.registered(next.id)) == 1)
            try await desk.end(next.id, 1)
            #expect(try await desk.callDue().isEmpty)
            try await desk.run("SELECT moose.resume_lane('llm', 'ann', NULL)")
            #expect(try await desk.callDue() == [waits.id])
            #expect(try await desk.start(StoreDesk.registered(waits.id)) == 1)
        }
    }

    @Test func `the place of one on its way is the next one's when its lane is paused`() async throws {
        try await StoreDesk.open { desk in
            let key = ["concurrency_key": "\"repo\""]
            let runs = try StoreDesk.order(key)
            let called = try StoreDesk.order(key, lane: "llm")
            let next = try StoreDesk.order(key)
            for item in [runs, called, next] { _ = try await desk.claim([item]) }
            try await desk.end(runs.id, 1)
            #expect(try await desk.callDue() == [called.id])
            try await desk.run("SELECT moose.pause_lane('llm', 'ann', 'too dear')")
            #expect(try await desk.callDue() == [next.id])
            #expect(try await desk.start(StoreDesk.registered(next.id)) == 1)
        }
    }

    @Test func `one that gives up for an unknown kind lets the next one go`() async throws {
        try await StoreDesk.open { desk in
            let line = try await Self.line(desk)
            try await desk.end(line[0], 1)
            try await desk.run(
                "UPDATE moose.work_orders SET unknown_since = now() - interval '1 hour' WHERE id = '\(line[1])'")
            #expect(try await desk.claim([StoreDesk.registered(line[1])], kinds: [:]).map(\.label) == ["invalid"])
            #expect(try await desk.state(line[1]) == "failed")
            #expect(try await desk.callDue().contains(line[2]))
        }
    }

    @Test func `one that passes its gate and is refused by the budget lets the next one go`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.keyed("repo")
            let token = try await desk.start(first)
            let poor = try StoreDesk.order(["concurrency_key": "\"repo\"", "estimated_cost_usd": "\"1\""])
            let next = try StoreDesk.keyed("repo")
            for item in [poor, next] { #expect(try await desk.claim([item]) == [.later]) }
            try await desk.spend("100")
            try await desk.end(first.id, token)
            #expect(try await desk.callDue() == [poor.id])
            #expect(try await desk.claim([StoreDesk.registered(poor.id)]).map(\.label) == ["over_budget"])
            #expect(try await desk.callDue() == [next.id])
            // Asked again while it waits for money it passes its gate again, and takes nothing either.
            let token2 = try await desk.start(StoreDesk.registered(next.id))
            let last = try StoreDesk.keyed("repo")
            #expect(try await desk.claim([last]) == [.later])
            try await desk.run(
                """
                INSERT INTO moose.gate_waits (work_order_id, gate, reason, since)
                VALUES ('\(poor.id)', 'key repo', 'concurrency', now() - interval '1 day')
                """)
            try await desk.end(next.id, token2)
            #expect(try await desk.callDue() == [poor.id])
            #expect(try await desk.claim([StoreDesk.registered(poor.id)]).map(\.label) == ["over_budget"])
            #expect(try await desk.callDue() == [last.id])
        }
    }

    @Test func `a thousand that are cancelled together leave, and what stays goes on`() async throws {
        try await StoreDesk.open { desk in
            let items = try (1...1000).map { _ in try StoreDesk.keyed("repo") }
            _ = try await desk.claim(items)
            let last = try StoreDesk.keyed("repo")
            _ = try await desk.claim([last])
            _ = try await desk.store.postgres.run(
                "SELECT * FROM moose.cancel_work_orders(\(items.dropFirst().map(\.id)), 'ann', 'too many')")
            try await desk.end(items[0].id, 1)
            #expect(try await desk.callDue() == [last.id])
        }
    }
}
