import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// The id of an event decides whether it counts: nobody else can know it before, and what is news has a new one.
struct EventIDTests {
    private static func ids(_ ledger: Ledger, reason: String) async throws -> Set<UUID> {
        let rows = try await ledger.store.postgres.run(
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
            try await Ledger.open { ledger in
                // The same in every installation, but for what only the database knows; the tests' databases are copies of one.
                try await ledger.run("UPDATE moose.installation SET secret = sha256(gen_random_uuid()::text::bytea)")
                let id = try #require(UUID(uuidString: "01890000-0000-7000-8000-000000000001"))
                let token = try await ledger.start(try Ledger.order(id))
                try await ledger.end(id, token, .failed(AttemptFailure(.testFail, "red", retry: .never)))
                let event = try await ledger.value(
                    "SELECT id FROM moose.outbox WHERE type = 'moose.error-event.v1'", as: UUID.self)
                let guess = try await ledger.value(
                    "SELECT md5(\("\(id)".lowercased()) || ':1:failed')::uuid", as: UUID.self)
                #expect(event != guess)
                #expect(seen.insert(event).inserted)
                #expect(
                    try await ledger.value(
                        "SELECT moose.event_id(\("\(id)".lowercased()), 1, 'failed')", as: UUID.self) == event,
                    "a repeat is recognised")
            }
        }
    }

    @Test func `the id of a tick can't be told from its schedule, and stays the same`() async throws {
        var seen: Set<UUID> = []
        for _ in 1...2 {
            try await Ledger.open { ledger in
                try await ledger.run("UPDATE moose.installation SET secret = sha256(gen_random_uuid()::text::bytea)")
                let tick = "SELECT moose.tick_id('nightly', '2027-03-04 05:06:07Z')"
                let id = try await ledger.value("\(unescaped: tick)", as: UUID.self)
                #expect(seen.insert(id).inserted)
                #expect(try await ledger.value("\(unescaped: tick)", as: UUID.self) == id)
                // It begins with the time.
                #expect(id.uuidString.hasPrefix("01A40EEE"), "\(id)")
            }
        }
    }

    @Test func `an order that never fits is told of again after its retry`() async throws {
        try await Ledger.open { ledger in
            let item = try Ledger.order(usd: "200")
            _ = try await ledger.claim([item])
            #expect(try await ledger.state(item.id) == "failed")
            #expect(try await Self.ids(ledger, reason: "never_fits").count == 1)
            try await ledger.run("SELECT * FROM moose.retry_work_orders(ARRAY['\(item.id)'::uuid], 'me', 'again')")
            _ = try await ledger.claim([Ledger.doorbell(item.id)])
            #expect(try await ledger.state(item.id) == "failed")
            #expect(try await Self.ids(ledger, reason: "never_fits").count == 2)
        }
    }

    @Test func `a changed soft limit, another cap and another freeze are news`() async throws {
        try await Ledger.open { ledger in
            let path = "scope = 'org' AND period = 'day'"
            try await ledger.run("UPDATE moose.budget_policies SET soft_u = 1000000 WHERE \(path)")
            try await ledger.spend("3")
            #expect(try await Self.ids(ledger, reason: "soft").count == 1)
            try await ledger.run("UPDATE moose.budget_policies SET soft_u = 2000000 WHERE \(path)")
            #expect(try await Self.ids(ledger, reason: "soft").count == 2)
            // Nothing new: another limit changed.
            try await ledger.run("UPDATE moose.budget_policies SET hard_u = 60000000 WHERE \(path)")
            #expect(try await Self.ids(ledger, reason: "soft").count == 2)

            var told: [Int] = [0]
            for _ in 1...2 {
                try await ledger.run(
                    "INSERT INTO moose.budget_freezes (scope, name, since, who, reason) VALUES ('org', 'org', clock_timestamp(), 'me', 'x')"
                )
                _ = try await ledger.claim([try Ledger.order(usd: "1")])
                told.append(try await Self.ids(ledger, reason: "frozen").count)
                try await ledger.run("DELETE FROM moose.budget_freezes")
            }
            #expect(told[0] < told[1] && told[1] < told[2], "\(told)")
        }
    }

    @Test func `a dependency that is retried and fails again is told of again`() async throws {
        try await Ledger.open { ledger in
            let first = try Ledger.order()
            let second = try Ledger.order(dependsOn: [first.id])
            var token = try await ledger.start(first)
            _ = try await ledger.claim([second])
            let told = """
                moose.outbox WHERE type = 'moose.error-event.v1'
                AND convert_from(body, 'UTF8')::json ->> 'operation' = 'dependency'
                """
            for times in 1...2 {
                try await ledger.end(first.id, token, .failed(AttemptFailure(.testFail, "red", retry: .never)))
                try await ledger.settle()
                #expect(try await ledger.count(told) == Int64(times))
                guard times == 1 else { break }
                try await ledger.run("SELECT * FROM moose.retry_work_orders(ARRAY['\(first.id)'::uuid], 'me', 'again')")
                token = try await ledger.start(Ledger.doorbell(first.id))
            }
        }
    }
}
