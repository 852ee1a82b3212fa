import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// How often an order is tried whose worker is lost.
struct KindAttemptsTests {
    private static func announce(_ ledger: Ledger, _ attempts: [String: Int]) async throws {
        let kinds = attempts.keys.sorted()
        try await ledger.store.announce(
            WorkerRegistration(
                id: ledger.worker, host: "h", pid: 1, version: "1", lanes: ["default"], kinds: kinds,
                kindAttempts: kinds.map { attempts[$0] ?? 0 }, slots: 1), running: 1)
    }

    private static func lose(_ item: ClaimItem, _ ledger: Ledger, kinds: [String: KindTerms]? = nil) async throws
        -> String
    {
        let verdict = try await ledger.claim([item], kinds: kinds ?? ["work": KindTerms(estimate: .zero)])[0]
        let key = LeaseKey(id: item.id, token: try #require(verdict.token))
        try await ledger.expireLeases()
        #expect(try await ledger.store.rescue([key], maxAttempts: 5) == 1)
        return try await ledger.state(item.id)
    }

    @Test func `a lost worker counts against the attempts of its kind, as it would have counted them`() async throws {
        try await Ledger.open { ledger in
            try await Self.announce(ledger, ["work": 1])
            #expect(try await Self.lose(try Ledger.order(), ledger) == "failed")
            let named = try Ledger.order(["max_attempts": "2"])
            #expect(try await Self.lose(named, ledger) == "retrying", "what the order says goes before")
        }
    }

    @Test
    func
        `more attempts of a kind than the rescuer's default are not cut short, and without a registry the default holds`()
        async throws
    {
        try await Ledger.open { ledger in
            let order = try Ledger.order()
            try await ledger.run("SELECT 1")
            #expect(try await Self.lose(order, ledger) == "retrying", "nobody knows the worker")
            try await Self.announce(ledger, ["work": 9])
            let last = try Ledger.order()
            _ = try await ledger.start(last)
            try await ledger.run("UPDATE moose.work_orders SET attempt = 5 WHERE id = '\(last.id)'")
            try await ledger.expireLeases()
            #expect(try await ledger.store.rescue([LeaseKey(id: last.id, token: 1)], maxAttempts: 5) == 1)
            #expect(try await ledger.state(last.id) == "retrying")
        }
    }

    @Test func `what ran as the cheap kind counts by that`() async throws {
        try await Ledger.open { ledger in
            try await Self.announce(ledger, ["cheap": 1, "work": 5])
            try await ledger.spend("99")
            let kinds = [
                "work": KindTerms(estimate: Ledger.usd("50"), economy: "cheap"),
                "cheap": KindTerms(estimate: Ledger.usd("0.5")),
            ]
            let item = try Ledger.order(["estimated_cost_usd": "\"50\""])
            #expect(try await Self.lose(item, ledger, kinds: kinds) == "failed")
        }
    }
}
