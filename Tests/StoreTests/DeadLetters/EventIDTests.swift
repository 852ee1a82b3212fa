import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// The id of an event decides whether it counts: nobody else can know it before, and what is news has a new one.
struct EventIDTests {
    private static func ids(_ desk: StoreDesk, reason: String) async throws -> Set<UUID> {
        let rows = try await desk.store.postgres.run(
            """
            SELECT id FROM moose.outbox WHERE type = 'moose.error-event.v1'
            AND convert_from(body, 'UTF8')::json -> 'details' ->> 'reason' = \(reason)
            """
        ).rows
        var ids: Set<UUID> = []
        for row in rows { ids.insert(try row.decode(0)) }
        return ids
    }

    @Test func `no event has an id that can be told from what it is about`() async throws {
        var seen: Set<UUID> = []
        for _ in 1...2 {
            try await StoreDesk.open { desk in
                // The same in every installation, but for what only the database knows; the tests' databases are copies of one.
                try await desk.run("UPDATE moose.installation SET secret = sha256(gen_random_uuid()::text::bytea)")
                let id = try #require(UUID(uuidString: "01890000-0000-7000-8000-000000000001"))
                let token = try await desk.start(try StoreDesk.order(id))
                try await desk.end(id, token, .failed(AttemptFailure(.testFail, "red", retry: .never)))
                let event = try await desk.value(
                    "SELECT id FROM moose.outbox WHERE type = 'moose.error-event.v1'", as: UUID.self)
                let guess = try await desk.value(
                    "SELECT md5(\("\(id)".lowercased()) || ':1:failed')::uuid", as: UUID.self)
                #expect(event != guess)
                #expect(seen.insert(event).inserted)
                #expect(
                    try await desk.value(
                        "SELECT moose.event_id(\("\(id)".lowercased()), 1, 'failed')", as: UUID.self) == event,
                    "a repeat is recognised")
            }
        }
    }

    @Test func `the id of a tick can't be told from its schedule, and stays the same`() async throws {
        var seen: Set<UUID> = []
        for _ in 1...2 {
            try await StoreDesk.open { desk in
                try await desk.run("UPDATE moose.installation SET secret = sha256(gen_random_uuid()::text::bytea)")
                let tick = "SELECT moose.tick_id('nightly', '2027-03-04 05:06:07Z')"
                let id = try await desk.value("\(unescaped: tick)", as: UUID.self)
                #expect(seen.insert(id).inserted)
                #expect(try await desk.value("\(unescaped: tick)", as: UUID.self) == id)
                // It begins with the time.
                #expect(id.uuidString.hasPrefix("01A40EEE"), "\(id)")
            }
        }
    }

    @Test func `an order that never fits is told of again after its retry`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "200")
            _ = try await desk.claim([item])
            #expect(try await desk.state(item.id) == "failed")
            #expect(try await Self.ids(desk, reason: "never_fits").count == 1)
            try await desk.run("SELECT * FROM moose.retry_work_orders(ARRAY['\(item.id)'::uuid], 'me', 'again')")
            _ = try await desk.claim([StoreDesk.registered(item.id)])
            #expect(try await desk.state(item.id) == "failed")
            #expect(try await Self.ids(desk, reason: "never_fits").count == 2)
        }
    }

    @Test func `a changed soft limit, another cap and another freeze are news`() async throws {
        try await StoreDesk.open { desk in
            let path = "scope = 'org' AND period = 'day'"
            try await desk.run("UPDATE moose.budget_policies SET soft_u = 1000000 WHERE \(path)")
            try await desk.spend("3")
            #expect(try await Self.ids(desk, reason: "soft").count == 1)
            try await desk.run("UPDATE moose.budget_policies SET soft_u = 2000000 WHERE \(path)")
            #expect(try await Self.ids(desk, reason: "soft").count == 2)
            // Nothing new: another limit changed.
            try await desk.run("UPDATE moose.budget_policies SET hard_u = 60000000 WHERE \(path)")
            #expect(try await Self.ids(desk, reason: "soft").count == 2)

            var told: [Int] = [0]
            for _ in 1...2 {
                try await desk.run(
                    "INSERT INTO moose.budget_freezes (scope, name, since, who, reason) VALUES ('org', 'org', clock_timestamp(), 'me', 'x')"
                )
                _ = try await desk.claim([try StoreDesk.order(usd: "1")])
                told.append(try await Self.ids(desk, reason: "frozen").count)
                try await desk.run("DELETE FROM moose.budget_freezes")
            }
            #expect(told[0] < told[1] && told[1] < told[2], "\(told)")
        }
    }

    @Test func `a dependency that is retried and fails again is told of again`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order()
            let second = try StoreDesk.order(dependsOn: [first.id])
            var token = try await desk.start(first)
            _ = try await desk.claim([second])
            let told = """
                moose.outbox WHERE type = 'moose.error-event.v1'
                AND convert_from(body, 'UTF8')::json ->> 'operation' = 'dependency'
                """
            for times in 1...2 {
                try await desk.end(first.id, token, .failed(AttemptFailure(.testFail, "red", retry: .never)))
                try await desk.settle()
                #expect(try await desk.count(told) == Int64(times))
                guard times == 1 else { break }
                try await desk.run("SELECT * FROM moose.retry_work_orders(ARRAY['\(first.id)'::uuid], 'me', 'again')")
                token = try await desk.start(StoreDesk.registered(first.id))
            }
        }
    }
}
