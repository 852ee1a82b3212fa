import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// What a lane's figures count: what could run now.
struct LaneLoadTests {
    private static func load(_ ledger: Ledger, _ lane: String = "default") async throws -> LaneLoad {
        try #require(await ledger.store.laneLoads([lane]).first)
    }

    @Test func `a paused lane has no room, and what it holds back is not due`() async throws {
        try await Ledger.open { ledger in
            #expect(try await Self.load(ledger).room == nil)
            try await ledger.pause()
            _ = try await ledger.claim(try Ledger.orders(5))
            let load = try await Self.load(ledger)
            #expect(load.due == 0 && load.room == 0 && load.oldestAge == .zero)
            try await ledger.run("SELECT moose.set_lane_limits('default', NULL, 50, NULL, NULL, 'ann', NULL)")
            #expect(try await Self.load(ledger).room == 0, "whatever its limit leaves")
            try await ledger.run("SELECT moose.set_lane_limits('default', NULL, 0, NULL, NULL, 'ann', NULL)")
            try await ledger.resume()
            let open = try await Self.load(ledger)
            #expect(open.due == 5 && open.doorbells == 5 && open.room == nil, "they are rung")
        }
    }

    @Test func `a limit leaves room for as many as may start`() async throws {
        try await Ledger.open { ledger in
            try await ledger.run("SELECT moose.set_lane_limits('default', NULL, 3, NULL, NULL, 'ann', NULL)")
            #expect(try await Self.load(ledger).room == 3)
            let items = try Ledger.orders(5)
            _ = try await ledger.claim(items)
            let full = try await Self.load(ledger)
            #expect(full.running == 3 && full.due == 0 && full.room == 0)
            try await ledger.end(items[0].id, 1)
            let open = try await Self.load(ledger)
            #expect(open.due == 1 && open.room == 1)
        }
    }

    @Test func `a rate leaves room for as many starts as it has left`() async throws {
        try await Ledger.open { ledger in
            try await ledger.run("SELECT moose.set_lane_limits('default', NULL, NULL, 4, 3600, 'ann', NULL)")
            #expect(try await Self.load(ledger).room == 4)
            let items = try Ledger.orders(6)
            _ = try await ledger.claim(items)
            for item in items[..<4] { try await ledger.end(item.id, 1) }
            let load = try await Self.load(ledger)
            #expect(load.room == 0 && load.due == 0)
            try await ledger.run("UPDATE moose.gates SET refilled_at = refilled_at - interval '16 minutes'")
            #expect(try await Self.load(ledger).room == 1)
        }
    }

    @Test func `what a key or a limit of its kind holds back is not due`() async throws {
        try await Ledger.open { ledger in
            _ = try await ledger.claim(try (1...4).map { _ in try Ledger.keyed("repo") })
            _ = try await ledger.claim(try Ledger.orders(3), kinds: Ledger.limited(KindLimits(concurrency: 1)))
            let load = try await Self.load(ledger)
            #expect(load.running == 2 && load.due == 0 && load.room == nil)
        }
    }
}
