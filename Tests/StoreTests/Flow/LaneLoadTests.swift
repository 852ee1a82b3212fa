import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// What a lane's figures count: what could run now.
struct LaneLoadTests {
    private static func load(_ desk: StoreDesk, _ lane: String = "default") async throws -> LaneLoad {
        try #require(await desk.store.laneLoads([lane]).first)
    }

    @Test func `a paused lane has no room, and what it holds back is not due`() async throws {
        try await StoreDesk.open { desk in
            #expect(try await Self.load(desk).room == nil)
            try await desk.pause()
            _ = try await desk.claim(try StoreDesk.orders(5))
            let load = try await Self.load(desk)
            #expect(load.due == 0 && load.room == 0 && load.oldestAge == .zero)
            try await desk.run("SELECT moose.set_lane_limits('default', NULL, 50, NULL, NULL, 'ann', NULL)")
            #expect(try await Self.load(desk).room == 0, "whatever its limit leaves")
            try await desk.run("SELECT moose.set_lane_limits('default', NULL, 0, NULL, NULL, 'ann', NULL)")
            try await desk.resume()
            let open = try await Self.load(desk)
            #expect(open.due == 5 && open.room == nil, "they are called")
        }
    }

    @Test func `a limit leaves room for as many as may start`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run("SELECT moose.set_lane_limits('default', NULL, 3, NULL, NULL, 'ann', NULL)")
            #expect(try await Self.load(desk).room == 3)
            let items = try StoreDesk.orders(5)
            _ = try await desk.claim(items)
            let full = try await Self.load(desk)
            #expect(full.running == 3 && full.due == 0 && full.room == 0)
            try await desk.end(items[0].id, 1)
            let open = try await Self.load(desk)
            #expect(open.due == 1 && open.room == 1)
        }
    }

    @Test func `a rate leaves room for as many starts as it has left`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run("SELECT moose.set_lane_limits('default', NULL, NULL, 4, 3600, 'ann', NULL)")
            #expect(try await Self.load(desk).room == 4)
            let items = try StoreDesk.orders(6)
            _ = try await desk.claim(items)
            for item in items[..<4] { try await desk.end(item.id, 1) }
            let load = try await Self.load(desk)
            #expect(load.room == 0 && load.due == 0)
            try await desk.run("UPDATE moose.gates SET refilled_at = refilled_at - interval '16 minutes'")
            #expect(try await Self.load(desk).room == 1)
        }
    }

    @Test func `what a key or a limit of its kind holds back is not due`() async throws {
        try await StoreDesk.open { desk in
            _ = try await desk.claim(try (1...4).map { _ in try StoreDesk.keyed("repo") })
            _ = try await desk.claim(try StoreDesk.orders(3), kinds: StoreDesk.limited(KindLimits(concurrency: 1)))
            let load = try await Self.load(desk)
            #expect(load.running == 2 && load.due == 0 && load.room == nil)
        }
    }
}
