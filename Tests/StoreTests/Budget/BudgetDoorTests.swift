import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing

/// Serialized with its extensions in the other files: they share one role of the server. The cap of a day is $100.
@Suite(.serialized) struct BudgetDoorTests {
    @Test func `the cap is granted to the micro-dollar and the total is that before the call`() async throws {
        try await BudgetDoor.open { door in
            let first = try await door.reserve("40")
            #expect(first.canProceed && first.total == "0" && first.id != nil)
            let over = try await door.reserve("60.0000001")
            #expect(over == BudgetDoor.Answer(canProceed: false, total: "40", id: nil), "rounded up, it is too much")
            let exact = try await door.reserve("60")
            #expect(exact.canProceed && exact.total == "40" && exact.id != nil)
            let beyond = try await door.reserve("0.000001")
            #expect(beyond == BudgetDoor.Answer(canProceed: false, total: "100", id: nil))
            #expect(try await door.reserve("0").canProceed, "what costs nothing passes")
            #expect(try await door.desk.count("moose.budget_holds") == 3, "a refusal leaves no row")
        }
    }

    @Test func `a reservation is settled once`() async throws {
        try await BudgetDoor.open { door in
            let id = try await door.reserved("1")
            #expect(try await door.settle(id, "0.25") == "true settled")
            #expect(try await door.settle(id, "0.75") == "false settled")
            #expect(try await door.cancel(id) == "false settled")
            #expect(try await door.posted(id) == 250_000)
            #expect(try await door.day() == [0, 250_000])
        }
    }

    @Test func `a cancelled reservation is free again and a cost that comes after all is posted`() async throws {
        try await BudgetDoor.open { door in
            let id = try await door.reserved("100")
            #expect(try await door.cancel(id) == "true cancelled")
            #expect(try await door.cancel(id) == "false cancelled")
            #expect(try await door.day() == [0, 0])
            #expect(try await door.settle(id, "0.5") == "true settled")
            #expect(try await door.settle(id, "0.5") == "false settled")
            #expect(try await door.day() == [0, 500_000])
        }
    }

    @Test func `an expired reservation is presumed spent until its cost comes and is posted once`() async throws {
        try await BudgetDoor.open { door in
            let id = try await door.reserved("1", #"{"lives_seconds": 1}"#)
            let other = try await door.reserved("1")
            try await eventually("the reservation expires") {
                try await door.desk.value("SELECT moose.expire_holds()", as: Int32.self) == 1
            }
            #expect(try await door.day() == [1_000_000, 1_000_000], "the other one lives an hour")
            #expect(try await door.settle(id, "3") == "true settled")
            #expect(try await door.settle(id, "4") == "false settled")
            #expect(try await door.posted(id) == 3_000_000)
            #expect(
                try await door.desk.count("moose.cost_tracking WHERE owner = '\(id)' AND entry = 'late'") == 1)
            #expect(try await door.desk.events(reason: "overrun") == 1)
            #expect(try await door.settle(other, "0") == "true settled")
            #expect(try await door.day() == [0, 3_000_000])
        }
    }

    @Test func `a late settle posts to the day the money was reserved in`() async throws {
        try await BudgetDoor.open { door in
            let id = try await door.reserved("1")
            // Midnight: the bucket of today becomes yesterday's, and a new one begins.
            try await door.desk.store.postgres.runSimple(
                """
                UPDATE moose.budget_buckets SET window_start = window_start - interval '1 day',
                    window_end = window_end - interval '1 day'
                WHERE window_end - window_start = interval '1 day'
                """)
            #expect(try await door.reserve("1").total == "0")
            #expect(try await door.settle(id, "0.5") == "true settled")
            #expect(try await door.day() == [1_000_000, 0])
        }
    }

    @Test func `asking again with the same key gives the same reservation, also all at once`() async throws {
        try await BudgetDoor.open { door in
            let key = #"{"idempotency_key": "page 7"}"#
            let ids = try await withThrowingTaskGroup(of: UUID?.self) { group in
                for _ in 1...8 { group.addTask { try await door.reserve("30", "svc", key).id } }
                return try await group.reduce(into: Set<UUID?>()) { $0.insert($1) }
            }
            let id = try #require(ids.first ?? nil)
            #expect(ids.count == 1)
            #expect(try await door.day() == [30_000_000, 0])
            #expect(try await door.reserve("99", "svc", key).id == id, "the first estimate stands")
            #expect(try await door.reserve("1", "other", key).id != id, "a key belongs to its service")
            let split = try await door.reserve("1", "svc page", #"{"idempotency_key": "7"}"#).id
            #expect(split != id, "service and key don't run together")
        }
    }

    @Test func `the key of a closed reservation starts no work without money`() async throws {
        try await BudgetDoor.open { door in
            let key = #"{"idempotency_key": "page 7"}"#
            #expect(try await door.cancel(try await door.reserved("1", key)) == "true cancelled")
            let error = try await door.error("SELECT check_and_reserve_budget(1, 'svc', \(key)::text::jsonb)")
            #expect(error.sqlState == "MS005")
            #expect(error.message.contains("cancelled") && error.hint?.contains("new idempotency_key") == true)
            #expect(try await door.day() == [0, 0])
        }
    }

    @Test func `a refusal with a key is no answer for ever`() async throws {
        try await BudgetDoor.open { door in
            let key = #"{"idempotency_key": "page 7"}"#
            let all = try await door.reserved("100")
            #expect(try await door.reserve("1", "svc", key).canProceed == false)
            _ = try await door.cancel(all)
            #expect(try await door.reserve("1", "svc", key).canProceed)
        }
    }

    @Test func `metadata choose the budgets and an exempt agent passes the spent day`() async throws {
        try await BudgetDoor.open { door in
            try await door.desk.store.postgres.runSimple(
                """
                INSERT INTO moose.budget_policies (scope, name, period, kill_u) VALUES
                    ('project', 'shop', 'day', 5e6), ('agent', 'ada', 'day', 4e6), ('model', 'large', 'total', 3e6),
                    ('handler', 'svc', 'day', 90e6)
                """)
            #expect(try await door.reserve("6", "svc", #"{"project": "shop"}"#).canProceed == false)
            #expect(try await door.reserve("5", "svc", #"{"agent": "ada"}"#).canProceed == false)
            #expect(try await door.reserve("4", "svc", #"{"model": "large"}"#).canProceed == false)
            #expect(try await door.reserve("91", "svc").canProceed == false)
            #expect(
                try await door.reserve("3", "svc", #"{"project": "shop", "agent": "ada", "model": "large"}"#).canProceed
            )
            #expect(try await door.reserve("97", "other").canProceed, "that is the day")
            #expect(try await door.reserve("1", "other").canProceed == false)
            let exempt = try await door.reserve("1", "other", #"{"agent": "architect"}"#)
            #expect(exempt.canProceed && exempt.total == "100")
            #expect(try await door.reserve("500", "other", #"{"agent": "architect"}"#).canProceed == false, "the month")
        }
    }

    @Test func `an unknown reservation is an error that says why`() async throws {
        try await BudgetDoor.open { door in
            for query: Query in [
                "SELECT settle_budget(\(UUID()), 1)", "SELECT cancel_budget(\(UUID()))",
                "SELECT settle_budget(NULL, 1)",
            ] {
                let error = try await door.error(query)
                #expect(error.sqlState == "MS004")
                #expect(error.hint?.isEmpty == false)
            }
            // A work order's hold belongs to its worker.
            let item = try StoreDesk.order(usd: "1")
            let token = try await door.desk.start(item)
            #expect(try await door.error("SELECT cancel_budget(\(item.id))").sqlState == "MS004")
            #expect(try await door.desk.end(item.id, token))
        }
    }

    @Test func `input that makes no sense is refused and reserves nothing`() async throws {
        try await BudgetDoor.open { door in
            for call in [
                "check_and_reserve_budget(-0.01, 'svc')", "check_and_reserve_budget(NULL, 'svc')",
                "check_and_reserve_budget('NaN', 'svc')", "check_and_reserve_budget('Infinity', 'svc')",
                "check_and_reserve_budget(1000000000.01, 'svc')",
                #"check_and_reserve_budget(1, 'svc', '{"lives_seconds": 0}')"#,
                #"check_and_reserve_budget(1, 'svc', '{"lives_seconds": 604801}')"#,
                #"check_and_reserve_budget(1, 'svc', '{"idempotency_key": ""}')"#,
                "settle_budget(gen_random_uuid(), -1)", "settle_budget(gen_random_uuid(), NULL)",
                "settle_budget(gen_random_uuid(), 'NaN')",
            ] {
                let error = try await door.error("SELECT \(unescaped: call)")
                #expect(error.sqlState == "22023", "\(call)")
            }
            #expect(try await door.desk.count("moose.budget_holds") == 0)
        }
    }

    @Test func `metadata without values are as good as none`() async throws {
        try await BudgetDoor.open { door in
            for metadata in ["null", "[]", #"{"idempotency_key": null, "lives_seconds": null, "project": null}"#] {
                #expect(try await door.reserve("1", "svc", metadata).canProceed)
            }
            _ = try await door.client.run("SELECT check_and_reserve_budget(1, NULL, NULL)")
            #expect(try await door.day() == [4_000_000, 0])
        }
    }
}
