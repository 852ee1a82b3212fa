import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

struct DeadLetterTests {
    private static func letter(
        _ body: String, redelivered: Bool = false, deliveries: Int32 = 1, headers: String = "{}"
    ) -> DeadLetter {
        var letter = DeadLetter(
            reason: .malformed, explanation: "not JSON", workOrderID: nil, exchange: "moose.work",
            routingKey: "default", body: Array(body.utf8), headers: headers, isRedelivered: redelivered)
        letter.deliveries = redelivered ? deliveries : 0
        return letter
    }

    @Test func `what the broker delivers again after a crash is written once, and equal messages are both kept`()
        async throws
    {
        try await StoreDesk.open { desk async throws in
            // Two equal publishes are two letters.
            #expect(try await desk.store.bury([Self.letter("x"), Self.letter("x")]) == 2)
            // The recorder died before it could acknowledge: both come again, and a third that it had not written.
            let again = Self.letter("x", redelivered: true)
            #expect(try await desk.store.bury([again, again, again]) == 1)
            #expect(try await desk.store.bury([Self.letter("x")]) == 1)
            #expect(try await desk.count("moose.dead_letters") == 4)
            // It dies again and again: a batch of those that were redelivered once comes a second time.
            let third = Self.letter("x", redelivered: true, deliveries: 2)
            #expect(try await desk.store.bury([third, third, third]) == 0)
            #expect(try await desk.count("moose.dead_letters") == 4)
            #expect(try await desk.events(reason: "malformed") == 4)
        }
    }

    @Test func `an order that fails has one letter, which its redrive closes with a fresh series of attempts`()
        async throws
    {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "1")
            let token = try await desk.start(item)
            let failure = AttemptFailure(.infrastructure, "the mirror is down")
            try await desk.end(item.id, token, .failed(failure), cost: StoreDesk.usd("1"))
            let letter = try await desk.value(
                "SELECT id FROM moose.dead_letters WHERE reason = 'exhausted' AND is_order AND state = 'dead'",
                as: UUID.self)
            #expect(
                try await desk.count(
                    "moose.dead_letters d JOIN moose.work_orders w ON w.id = d.work_order_id AND w.body = d.body") == 1)

            #expect(try await desk.store.redriveOrders([letter], who: "ann", why: "it is back") == 1)
            #expect(try await desk.store.redriveOrders([letter], who: "bob", why: nil) == 0, "once")
            #expect(try await desk.state(item.id) == "pending")
            #expect(try await desk.count("moose.waiting WHERE due IS NOT NULL AND id = '\(item.id)'") == 1)
            #expect(
                try await desk.count(
                    "moose.dead_letter_history WHERE who = 'ann' AND why = 'it is back' AND action = 'redriven'") == 1)
            #expect(try await desk.count("moose.work_orders WHERE attempt = 0 AND error IS NULL") == 1)

            // It fails again: a letter of its own.
            let next = try await desk.start(StoreDesk.registered(item.id))
            #expect(next > token)
            try await desk.end(item.id, next, .failed(failure), cost: StoreDesk.usd("1"))
            #expect(try await desk.count("moose.dead_letters WHERE is_order") == 2)
            #expect(try await desk.count("moose.dead_letters WHERE is_order AND state = 'dead'") == 1)
        }
    }

    @Test func `a redriven order waits again for what it depends on`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.order()
            let second = try StoreDesk.order(dependsOn: [first.id])
            #expect(try await desk.claim([second]) == [.later])
            try await desk.run("UPDATE moose.work_orders SET state = 'failed', error = 'by hand'")
            let letter = try await desk.value("SELECT id FROM moose.dead_letters", as: UUID.self)
            #expect(try await desk.store.redriveOrders([letter], who: "ann", why: nil) == 1)
            #expect(try await desk.state(second.id) == "blocked")
            try await desk.end(first.id, try await desk.start(first))
            #expect(try await desk.state(second.id) == "pending")
        }
    }

    @Test func `poison, an estimate above the cap, and an unknown kind appear with their reasons`() async throws {
        try await StoreDesk.open { desk in
            let poison = try StoreDesk.order(usd: "1")
            var next = poison
            for _ in 1...3 {
                let key = LeaseKey(id: poison.id, token: try await desk.start(next))
                try await desk.expireLeases()
                #expect(try await desk.store.rescue([key], maxAttempts: 50) == 1)
                try await desk.run("UPDATE moose.work_orders SET run_at = now() WHERE state = 'retrying'")
                next = StoreDesk.registered(poison.id)
            }
            let dear = try StoreDesk.order(usd: "100000")
            #expect(try await desk.claim([dear]) == [.overBudget(reason: "never_fits")])
            let strange = try StoreDesk.order()
            #expect(try await desk.claim([strange], kinds: [:]) == [.unknownKind])
            try await desk.run(
                "UPDATE moose.work_orders SET unknown_since = now() - interval '1 hour' WHERE unknown_since IS NOT NULL"
            )
            #expect(
                try await desk.claim([StoreDesk.registered(strange.id)], kinds: [:]) == [.invalid(reason: "give_up")])

            for (item, reason) in [(poison, "poison"), (dear, "never_fits"), (strange, "unknown_kind")] {
                #expect(
                    try await desk.count(
                        "moose.dead_letters WHERE work_order_id = '\(item.id)' AND reason = '\(reason)' AND is_order")
                        == 1, "\(reason)")
            }
            #expect(try await desk.count("moose.dead_letters") == 3, "one each")
            #expect(try await desk.events(reason: "unknown_kind") == 1)
        }
    }

    @Test func `an order that is cancelled after it failed takes its letter along`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order()
            try await desk.end(
                item.id, try await desk.start(item), .failed(AttemptFailure(.testFail, "red")))
            try await desk.run("UPDATE moose.work_orders SET state = 'cancelled'")
            #expect(try await desk.count("moose.dead_letters WHERE state = 'purged'") == 1)
            #expect(try await desk.count("moose.dead_letter_history WHERE action = 'purged'") == 1)
        }
    }

    @Test func `large letters go to the database in pieces, and are redriven in pieces`() async throws {
        try await StoreDesk.open { desk in
            let letters = (0..<5).map { number in
                var letter = Self.letter("")
                letter.body = [UInt8](repeating: UInt8(number), count: 7_000_000)
                return letter
            }
            #expect(try await desk.store.bury(letters) == 5)
            #expect(try await desk.count("moose.dead_letters WHERE length(body) = 7000000") == 5)
            // A commit each: three of 7 MB are more than 16 MiB.
            #expect(
                try await desk.value("SELECT count(DISTINCT xmin::text) FROM moose.dead_letters", as: Int64.self) == 3
            )
            let ids = try await desk.store.postgres.run("SELECT id FROM moose.dead_letters").rows.map {
                try $0.decode(0, as: UUID.self)
            }
            #expect(try await desk.store.letterPieces(ids).map(\.count) == [2, 2, 1])
            #expect(try await desk.store.letterPieces(ids + [UUID()]).joined().map(\.self) == ids)
        }
    }

    @Test func `the relay takes large messages a few at a time`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run(
                """
                INSERT INTO moose.outbox (exchange, routing_key, type, body)
                SELECT '', 'q', 't', convert_to(repeat('x', 6000000), 'UTF8') FROM generate_series(1, 5)
                """)
            var taken: [Int] = []
            for _ in 1...3 { taken.append(try await desk.store.leaseOutbox(UUID()).count) }
            #expect(taken == [3, 2, 0])
        }
    }

    @Test func `two redrivers never hold the same letter, and a dead one's come free`() async throws {
        try await StoreDesk.open { desk in
            _ = try await desk.store.bury((1...20).map { Self.letter("\($0)") })
            let ids = try await desk.store.postgres.run("SELECT id FROM moose.dead_letters").rows.map {
                try $0.decode(0, as: UUID.self)
            }
            let (first, second) = (UUID(), UUID())
            let taken = try await desk.store.leaseLetters(Array(ids[..<12]), lease: first, for: .seconds(30))
            #expect(taken.count == 12)
            #expect(try await desk.store.leaseLetters(ids, lease: second, for: .seconds(30)).count == 8)
            #expect(try await desk.store.purgeLetters(ids, who: "ann", why: nil) == 0, "all are being redriven")
            // The first dies; its time runs out, and what it would still mark is no longer its own.
            try await desk.run("UPDATE moose.dead_letters SET leased_until = now() WHERE lease = '\(first)'")
            let third = UUID()
            let again = try await desk.store.leaseLetters(ids, lease: third, for: .seconds(30))
            #expect(Set(again.map(\.id)) == Set(taken.map(\.id)) && again.allSatisfy { $0.number == 2 })
            let details = ids.map { _ in "somewhere" }
            #expect(
                try await desk.store.markRedriven(ids, details: details, lease: first, who: "a", why: nil) == 0)
            #expect(
                try await desk.store.markRedriven(ids, details: details, lease: third, who: "c", why: nil) == 12)
        }
    }

    @Test func `a purged letter keeps its body and says who put it away`() async throws {
        try await StoreDesk.open { desk in
            _ = try await desk.store.bury([Self.letter("old")])
            let id = try await desk.value("SELECT id FROM moose.dead_letters", as: UUID.self)
            #expect(try await desk.store.purgeLetters([id], who: "ann", why: "noise") == 1)
            #expect(try await desk.store.purgeLetters([id], who: "ann", why: "noise") == 0)
            #expect(try await desk.count("moose.dead_letters WHERE state = 'purged' AND body = 'old'::bytea") == 1)
            #expect(try await desk.count("moose.dead_letter_history WHERE who = 'ann' AND why = 'noise'") == 1)
        }
    }
}
