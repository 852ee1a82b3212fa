import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// The caps of a new database: $100 a day, $600 a month.
struct BudgetTests {
    @Test func `of two orders that fit only one by one exactly one runs`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("85")
            let items = [try StoreDesk.order(usd: "10"), try StoreDesk.order(usd: "10")]
            let verdicts = try await desk.claim(items)
            guard case .run(let grant) = verdicts[0] else {
                Issue.record("the first was to run: \(verdicts)")
                return
            }
            #expect(verdicts[1] == .overBudget(reason: "held_retry"))
            #expect(try await desk.state(items[1].id) == "awaiting_budget")
            #expect(try await desk.events(reason: "held_retry") == 1)
            #expect(
                try await desk.messages().contains(
                    "the daily budget of the organisation is held by running work: its cap is $100; orders wait "
                        + "until that gives some back, or a raise"))
            #expect(try await desk.store.wakeForMoney() == 0, "nothing was given back yet")
            // The first costs less than was held, so there is room for the second.
            try await desk.end(items[0].id, grant.token, cost: StoreDesk.usd("1"))
            #expect(try await desk.store.wakeForMoney() == 1)
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL AND id = '\(items[1].id)'") == 1)
            #expect(
                try await desk.start(StoreDesk.registered(items[1].id)) == 2, "the refused claim used the first token")
        }
    }

    @Test func `what is held when orders are refused and spent later is told again, once`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("85")
            let items = [try StoreDesk.order(usd: "10"), try StoreDesk.order(usd: "10")]
            let token = try #require(try await desk.claim(items)[0].token)
            _ = try await desk.store.wakeForMoney()
            #expect(try await desk.events(reason: "spent") == 0, "it may still be given back")
            try await desk.end(items[0].id, token, cost: StoreDesk.usd("10"))
            for _ in 1...2 { #expect(try await desk.store.wakeForMoney() == 0) }
            #expect(try await desk.events(reason: "spent") == 1)
            #expect(try await desk.events(reason: "held_retry") == 1)
        }
    }

    @Test func `when the day is spent all wait and one person is told once`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("95")
            for _ in 1...2 {
                let items = [try StoreDesk.order(usd: "10"), try StoreDesk.order(usd: "10")]
                let spent = ClaimVerdict.overBudget(reason: "spent")
                #expect(try await desk.claim(items) == [spent, spent])
                #expect(try await desk.state(items[0].id) == "awaiting_budget")
            }
            #expect(try await desk.events(reason: "spent") == 1)
            let told = try await desk.messages().filter { $0.contains("spent") }
            #expect(
                told.count == 1
                    && told[0].wholeMatch(
                        of:
                            #/the daily budget of the organisation is spent: its cap is \$100; orders wait until \d{4}-\d\d-\d\d 00:00 UTC or a raise/#
                    ) != nil, "\(told)")
        }
    }

    @Test func `an order above the cap fails for good and says so`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "200")
            #expect(try await desk.claim([item]) == [.overBudget(reason: "never_fits")])
            #expect(try await desk.state(item.id) == "failed")
            #expect(try await desk.events(reason: "never_fits") == 1)
            #expect(try await desk.count("moose.budget_holds") == 0)
        }
    }

    @Test func `concurrent claims never pass the cap by a cent`() async throws {
        try await StoreDesk.open(connections: 8) { desk in
            try await desk.spend("67")
            let granted = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 1...40 {
                    group.addTask {
                        if case .run = try await desk.claim([try StoreDesk.order(usd: "1")])[0] { return true }
                        return false
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(granted == 33)
            #expect(try await desk.count("moose.work_orders WHERE state = 'awaiting_budget'") == 7)
            #expect(
                try await desk.value(
                    "SELECT max(held_u + posted_u)::bigint FROM moose.budget_buckets", as: Int64.self) == 100_000_000)
        }
    }

    @Test func `free work passes at a full cap`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("100")
            #expect(try await desk.start(try StoreDesk.order(usd: "0")) == 1)
            #expect(
                try await desk.claim([try StoreDesk.order(usd: "0.000001")]) == [.overBudget(reason: "spent")])
        }
    }

    @Test func `other services reserve up to the cap exactly and are told the total before`() async throws {
        try await StoreDesk.open { desk in
            let reserve = { (usd: String, condition: String) async throws -> Int64 in
                try await desk.count(
                    "(SELECT * FROM public.check_and_reserve_budget(\(usd), 'svc')) r WHERE \(condition)")
            }
            let first = try await reserve("40", "can_proceed AND current_total = 0 AND reservation_id IS NOT NULL")
            let exact = try await reserve("60", "can_proceed AND current_total = 40")
            let over = try await reserve(
                "0.000001", "NOT can_proceed AND current_total = 100 AND reservation_id IS NULL")
            #expect(first == 1 && exact == 1 && over == 1)
            await #expect(throws: PostgresError.self) { try await reserve("-1", "true") }
        }
    }

    @Test func `a hold is settled by what is known of the cost`() async throws {
        try await StoreDesk.open { desk in
            let failure = AttemptFailure(.infrastructure, "no", retry: .never)
            let cases: [(ending: FinishItem.Ending, started: Bool, cost: String?, hold: String, posted: Int64)] = [
                (.completed, true, "0.4", "settled", 400_000),
                (.completed, true, nil, "presumed_spent", 1_000_000),
                (.failed(failure), false, nil, "cancelled", 0),
                (.completed, true, "3", "settled", 3_000_000),
            ]
            for expected in cases {
                let item = try StoreDesk.order(usd: "1")
                try await desk.end(
                    item.id, try await desk.start(item), expected.ending, started: expected.started,
                    cost: expected.cost.flatMap(StoreDesk.usd))
                #expect(
                    try await desk.value(
                        "SELECT state FROM moose.budget_holds WHERE owner = \(item.id)", as: String.self)
                        == expected.hold)
                #expect(
                    try await desk.value(
                        """
                        SELECT coalesce(sum(amount_u), 0)::bigint FROM moose.cost_tracking WHERE owner = \(item.id)
                        """, as: Int64.self) == expected.posted)
            }
            #expect(try await desk.events(reason: "overrun") == 1)
            #expect(
                try await desk.value("SELECT sum(held_u)::bigint FROM moose.budget_buckets", as: Int64.self) == 0)
        }
    }

    @Test func `what was posted can be neither changed nor deleted`() async throws {
        try await StoreDesk.open { desk in
            try await desk.spend("1")
            for sql in [
                "UPDATE moose.cost_tracking SET amount_u = 0", "DELETE FROM moose.cost_tracking",
                "TRUNCATE moose.cost_tracking",
            ] {
                do throws(PostgresError) {
                    try await desk.store.postgres.runSimple(sql)
                    Issue.record("allowed: \(sql)")
                } catch {
                    #expect(error.sqlState == "MS002", "\(error)")
                }
            }
            #expect(try await desk.count("moose.cost_tracking WHERE amount_u = 1000000") == 1)
        }
    }
}
