import Postgres
import Store
import Testing
import WorkOrders

/// What the limits below the cap, the kill switch and an exemption do to work orders. The limits of a new database:
/// a day warns at $20, is in economy mode at $50 and ends at $100.
struct BudgetLimitTests {
    private static let kinds = [
        "work": KindTerms(estimate: StoreDesk.usd("10"), economy: "small"),
        "small": KindTerms(estimate: StoreDesk.usd("2")),
    ]

    @Test func `passing the soft and the hard limit is told once a window`() async throws {
        try await StoreDesk.open { desk in
            for _ in 1...3 { try await desk.spend("7") }
            #expect(try await desk.events(reason: "soft") == 1)
            #expect(try await desk.events(reason: "economy") == 0)
            for _ in 1...6 { try await desk.spend("7") }
            #expect(try await desk.events(reason: "soft") == 1)
            #expect(try await desk.events(reason: "economy") == 1)
        }
    }

    @Test func `half, four fifths and all of a cap are announced once each`() async throws {
        try await StoreDesk.open { desk in
            for _ in 1...10 { try await desk.spend("10") }
            let announced = try await desk.value(
                """
                SELECT string_agg(convert_from(body, 'UTF8')::json ->> 'percent', ' ' ORDER BY created_at)
                FROM moose.outbox WHERE routing_key = 'budget.threshold.org' AND type = 'moose.budget-event.v1'
                """, as: String.self)
            #expect(announced == "50 80 100")
            // The fields are those that docs/asyncapi.yaml promises.
            let fields = try await desk.value(
                """
                SELECT string_agg(DISTINCT k, ' ' ORDER BY k)
                FROM moose.outbox o, json_object_keys(convert_from(o.body, 'UTF8')::json) AS k
                WHERE o.type = 'moose.budget-event.v1'
                """, as: String.self)
            #expect(fields == "cap_usd id name occurred_at percent period scope used_usd window_end")
        }
    }

    @Test func `after a raise the limits are news again`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("100")
            _ = try await desk.claim([try StoreDesk.order(usd: "1")])
            #expect(try await desk.events(reason: "spent") == 1)
            try await desk.run(
                "SELECT moose.raise_budget('org', 'org', 'day', 101000000, now() + interval '1 hour', 'ada', 'launch')")
            try await desk.spend("1")
            _ = try await desk.claim([try StoreDesk.order(usd: "1")])
            #expect(try await desk.events(reason: "spent") == 2)
            #expect(try await desk.count("moose.audit_log WHERE who = 'ada' AND reason = 'launch'") == 1)
        }
    }

    @Test func `in economy mode the cheap handler runs, and the hold is for its price`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("45")
            let items = try (1...3).map { _ in try StoreDesk.order(usd: "10") }
            let grants = try await desk.claim(items, kinds: Self.kinds).map { verdict in
                guard case .run(let grant) = verdict else { throw NotGranted(verdict: verdict) }
                return grant
            }
            // The first crosses the hard limit, and so do those behind it, though each would fit under the cap.
            #expect(grants.map(\.handler) == ["small", "small", "small"])
            #expect(grants.map(\.estimate) == [MicroUSD](repeating: try #require(StoreDesk.usd("2")), count: 3))
            #expect(try await desk.count("moose.budget_holds WHERE handler = 'small' AND estimate_u = 2000000") == 3)
        }
    }

    @Test func `money that is short for its own handler may do for the cheap one`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("95")
            let item = try StoreDesk.order(usd: "10")
            guard case .run(let grant) = try await desk.claim([item], kinds: Self.kinds)[0] else {
                Issue.record("it was to run with the cheap handler")
                return
            }
            #expect(grant.handler == "small")
            // Asked again after a lost reply, the answer is the same.
            try await desk.spend("3")
            let refused = try StoreDesk.order(usd: "10")
            #expect(try await desk.claim([refused], kinds: Self.kinds) == [.overBudget(reason: "spent")])
            #expect(
                try await desk.value(
                    "SELECT waits_for_u FROM moose.work_orders WHERE id = \(refused.id)", as: Int64.self) == 2_000_000)
        }
    }

    @Test func `a repeated claim names the cheap handler again`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("60")
            let item = try StoreDesk.order(usd: "10")
            let claim = item.id
            let first = try await desk.claim([item], claim: claim, kinds: Self.kinds)[0]
            let again = try await desk.claim([item], claim: claim, kinds: Self.kinds)[0]
            guard case .run(let one) = first, case .run(let other) = again else {
                Issue.record("both were to run: \(first), \(again)")
                return
            }
            #expect(one.handler == "small" && other.handler == "small")
            #expect(one.token == other.token && one.estimate == other.estimate)
        }
    }

    @Test func `an exempt agent works on a spent day, is tracked apart and counts in the month`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("100")
            let item = try StoreDesk.order(usd: "30", agent: "architect")
            try await desk.end(item.id, try await desk.start(item), cost: StoreDesk.usd("30"))
            #expect(
                try await desk.claim([try StoreDesk.order(usd: "1", agent: "coder")]) == [.overBudget(reason: "spent")])
            let status = { (column: String, period: String) in
                try await desk.value(
                    "SELECT \(unescaped: column) FROM moose.budget_status() WHERE period = \(period)", as: Int64.self)
            }
            #expect(try await status("posted_u", "day") == 100_000_000)
            #expect(try await status("exempt_u", "day") == 30_000_000)
            #expect(try await status("posted_u", "month") == 130_000_000)
            try await desk.run("UPDATE moose.budget_policies SET kill_u = 500000000 WHERE period = 'month'")
            #expect(
                try await desk.claim([try StoreDesk.order(usd: "400", agent: "architect")])
                    == [.overBudget(reason: "spent")], "the month stops it, too")
        }
    }

    @Test func `a frozen project is granted nothing that costs, until it is unfrozen`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run("SELECT moose.freeze_budget('project', 'shop', 'ada', 'runaway agent')")
            let items = [
                try StoreDesk.order(usd: "1", project: "shop"), try StoreDesk.order(usd: "1", project: "blog"),
            ]
            let verdicts = try await desk.claim(items)
            #expect(verdicts[0] == .overBudget(reason: "frozen"))
            #expect(try await desk.state(items[1].id) == "in_progress")
            #expect(try await desk.events(reason: "frozen") == 1)
            _ = try await desk.start(try StoreDesk.order(usd: "0", project: "shop"))
            #expect(try await desk.store.wakeForMoney() == 0)
            try await desk.run("SELECT moose.unfreeze_budget('project', 'shop', 'ada', 'mended')")
            #expect(try await desk.store.wakeForMoney() == 1)
            #expect(try await desk.start(StoreDesk.registered(items[0].id)) == 2)
        }
    }

    @Test func `budgets of agents and handlers bind as those of projects do`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run(
                """
                INSERT INTO moose.budget_policies (scope, name, period, kill_u)
                VALUES ('agent', 'coder', 'day', 2000000), ('handler', 'work', 'total', 3000000)
                """)
            let items = try ["coder", "coder", "coder", "tester", "tester"].map {
                try StoreDesk.order(usd: "1", agent: $0)
            }
            _ = try await desk.claim(items)
            #expect(try await desk.these(items, in: "in_progress") == [0, 1, 3])
        }
    }
}

private struct NotGranted: Error { let verdict: ClaimVerdict }
