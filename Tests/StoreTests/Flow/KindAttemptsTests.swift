import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// How often an order is tried whose worker is lost.
struct KindAttemptsTests {
    private static func announce(_ desk: StoreDesk, _ attempts: [String: Int]) async throws {
        let kinds = attempts.keys.sorted()
        try await desk.store.announce(
            WorkerRegistration(
                id: desk.worker, host: "h", pid: 1, version: "1", lanes: ["default"], kinds: kinds,
                kindAttempts: kinds.map { attempts[$0] ?? 0 }, slots: 1), running: 1)
    }

    private static func lose(_ item: ClaimItem, _ desk: StoreDesk, kinds: [String: KindTerms]? = nil) async throws
        -> String
    {
        let verdict = try await desk.claim([item], kinds: kinds ?? ["work": KindTerms(estimate: .zero)])[0]
        let key = LeaseKey(id: item.id, token: try #require(verdict.token))
        try await desk.expireLeases()
        #expect(try await desk.store.rescue([key], maxAttempts: 5) == 1)
        return try await desk.state(item.id)
    }

    @Test func `a lost worker counts against the attempts of its kind, as it would have counted them`() async throws {
        try await StoreDesk.open { desk in
            try await Self.announce(desk, ["work": 1])
            #expect(try await Self.lose(try StoreDesk.order(), desk) == "failed")
            let named = try StoreDesk.order(["max_attempts": "2"])
            #expect(try await Self.lose(named, desk) == "retrying", "what the order says goes before")
        }
    }

    @Test
    func
        `more attempts of a kind than the rescuer's default are not cut short, and without a registry the default holds`()
        async throws
    {
        try await StoreDesk.open { desk in
            let order = try StoreDesk.order()
            try await desk.run("SELECT 1")
            #expect(try await Self.lose(order, desk) == "retrying", "nobody knows the worker")
            try await Self.announce(desk, ["work": 9])
            let last = try StoreDesk.order()
            _ = try await desk.start(last)
            try await desk.run("UPDATE moose.work_orders SET attempt = 5 WHERE id = '\(last.id)'")
            try await desk.expireLeases()
            #expect(try await desk.store.rescue([LeaseKey(id: last.id, token: 1)], maxAttempts: 5) == 1)
            #expect(try await desk.state(last.id) == "retrying")
        }
    }

    @Test func `what ran as the cheap kind counts by that`() async throws {
        try await StoreDesk.open { desk in
            try await Self.announce(desk, ["cheap": 1, "work": 5])
            try await desk.spend("99")
            let kinds = [
                "work": KindTerms(estimate: StoreDesk.usd("50"), economy: "cheap"),
                "cheap": KindTerms(estimate: StoreDesk.usd("0.5")),
            ]
            let item = try StoreDesk.order(["estimated_cost_usd": "\"50\""])
            #expect(try await Self.lose(item, desk, kinds: kinds) == "failed")
        }
    }
}
