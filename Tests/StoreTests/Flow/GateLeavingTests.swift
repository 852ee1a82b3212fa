import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// Orders that leave the line of a gate without having run: whoever is next goes at once, without a sweep.
struct GateLeavingTests {
    /// A running order of a key and three that wait for it, the oldest first.
    private static func line(_ ledger: Ledger) async throws -> [UUID] {
        let items = try (1...4).map { _ in try Ledger.keyed("repo") }
        for item in items { _ = try await ledger.claim([item]) }
        return items.map(\.id)
    }

    private static func leave(_ order: UUID, _ way: String, _ ledger: Ledger) async throws {
        switch way {
        case "cancelled":
            _ = try await ledger.store.postgres.run(
                "SELECT * FROM moose.cancel_work_orders(ARRAY[\(order)], 'ann', 'not wanted')")
        case "failed":
            try await ledger.run("UPDATE moose.work_orders SET state = 'failed' WHERE id = '\(order)'")
        case "blocked":
            try await ledger.run("UPDATE moose.work_orders SET state = 'blocked' WHERE id = '\(order)'")
        case "moved":
            try await ledger.run("UPDATE moose.work_orders SET lane = 'other' WHERE id = '\(order)'")
        case "another key":
            try await ledger.run("UPDATE moose.work_orders SET concurrency_key = 'other' WHERE id = '\(order)'")
        default: try await ledger.run("DELETE FROM moose.work_orders WHERE id = '\(order)'")
        }
    }

    static let ways = ["cancelled", "failed", "blocked", "moved", "another key", "deleted"]

    @Test(arguments: ways)
    func `the oldest leaves before it was rung: the next one is not held back by it`(way: String) async throws {
        try await Ledger.open { ledger in
            let line = try await Self.line(ledger)
            try await Self.leave(line[1], way, ledger)
            _ = try await ledger.takeDoorbells()
            try await ledger.end(line[0], 1)
            #expect(try await ledger.takeDoorbells() == [line[2]])
            #expect(try await ledger.start(Ledger.doorbell(line[2])) == 1)
        }
    }

    @Test(arguments: ways)
    func `the one on its way leaves: the next one is rung in the same commit`(way: String) async throws {
        try await Ledger.open { ledger in
            let line = try await Self.line(ledger)
            try await ledger.end(line[0], 1)
            #expect(try await ledger.takeDoorbells() == [line[1]], "it is on its way")
            try await Self.leave(line[1], way, ledger)
            #expect(try await ledger.takeDoorbells().contains(line[2]))
            #expect(try await ledger.start(Ledger.doorbell(line[2])) == 1)
            #expect(try await ledger.count("moose.gate_waits WHERE work_order_id = '\(line[1])'") == 0)
        }
    }

    @Test func `a place is not kept for one whose lane is paused, and its lane wakes it when it goes on`() async throws
    {
        try await Ledger.open { ledger in
            let key = ["concurrency_key": "\"repo\""]
            let runs = try Ledger.order(key)
            let waits = try Ledger.order(key, lane: "llm")
            let next = try Ledger.order(key)
            for item in [runs, waits, next] { _ = try await ledger.claim([item]) }
            _ = try await ledger.takeDoorbells()
            try await ledger.run("SELECT moose.pause_lane('llm', 'ann', 'too dear')")
            try await ledger.end(runs.id, 1)
            #expect(try await ledger.takeDoorbells() == [next.id])
            #expect(try await ledger.start(Ledger.doorbell(next.id)) == 1)
            try await ledger.end(next.id, 1)
            #expect(try await ledger.takeDoorbells().isEmpty)
            try await ledger.run("SELECT moose.resume_lane('llm', 'ann', NULL)")
            #expect(try await ledger.takeDoorbells() == [waits.id])
            #expect(try await ledger.start(Ledger.doorbell(waits.id)) == 1)
        }
    }

    @Test func `the place of one on its way is the next one's when its lane is paused`() async throws {
        try await Ledger.open { ledger in
            let key = ["concurrency_key": "\"repo\""]
            let runs = try Ledger.order(key)
            let called = try Ledger.order(key, lane: "llm")
            let next = try Ledger.order(key)
            for item in [runs, called, next] { _ = try await ledger.claim([item]) }
            try await ledger.end(runs.id, 1)
            #expect(try await ledger.takeDoorbells() == [called.id])
            try await ledger.run("SELECT moose.pause_lane('llm', 'ann', 'too dear')")
            #expect(try await ledger.takeDoorbells() == [next.id])
            #expect(try await ledger.start(Ledger.doorbell(next.id)) == 1)
        }
    }

    @Test func `one that gives up for an unknown kind lets the next one go`() async throws {
        try await Ledger.open { ledger in
            let line = try await Self.line(ledger)
            try await ledger.end(line[0], 1)
            try await ledger.run(
                "UPDATE moose.work_orders SET unknown_since = now() - interval '1 hour' WHERE id = '\(line[1])'")
            #expect(try await ledger.claim([Ledger.doorbell(line[1])], kinds: [:]).map(\.label) == ["invalid"])
            #expect(try await ledger.state(line[1]) == "failed")
            #expect(try await ledger.takeDoorbells().contains(line[2]))
        }
    }

    @Test func `one that passes its gate and is refused by the budget lets the next one go`() async throws {
        try await Ledger.open { ledger in
            let first = try Ledger.keyed("repo")
            let token = try await ledger.start(first)
            let poor = try Ledger.order(["concurrency_key": "\"repo\"", "estimated_cost_usd": "\"1\""])
            let next = try Ledger.keyed("repo")
            for item in [poor, next] { #expect(try await ledger.claim([item]) == [.later]) }
            try await ledger.spend("100")
            try await ledger.end(first.id, token)
            #expect(try await ledger.takeDoorbells() == [poor.id])
            #expect(try await ledger.claim([Ledger.doorbell(poor.id)]).map(\.label) == ["over_budget"])
            #expect(try await ledger.takeDoorbells() == [next.id])
            // Asked again while it waits for money it passes its gate again, and takes nothing either.
            let token2 = try await ledger.start(Ledger.doorbell(next.id))
            let last = try Ledger.keyed("repo")
            #expect(try await ledger.claim([last]) == [.later])
            try await ledger.run(
                """
                INSERT INTO moose.gate_waits (work_order_id, gate, reason, since)
                VALUES ('\(poor.id)', 'key repo', 'concurrency', now() - interval '1 day')
                """)
            try await ledger.end(next.id, token2)
            #expect(try await ledger.takeDoorbells() == [poor.id])
            #expect(try await ledger.claim([Ledger.doorbell(poor.id)]).map(\.label) == ["over_budget"])
            #expect(try await ledger.takeDoorbells() == [last.id])
        }
    }

    @Test func `a thousand that are cancelled together leave, and what stays goes on`() async throws {
        try await Ledger.open { ledger in
            let items = try (1...1000).map { _ in try Ledger.keyed("repo") }
            _ = try await ledger.claim(items)
            let last = try Ledger.keyed("repo")
            _ = try await ledger.claim([last])
            _ = try await ledger.store.postgres.run(
                "SELECT * FROM moose.cancel_work_orders(\(items.dropFirst().map(\.id)), 'ann', 'too many')")
            try await ledger.end(items[0].id, 1)
            #expect(try await ledger.takeDoorbells() == [last.id])
        }
    }
}
