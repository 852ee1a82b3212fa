import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// What the database takes in no other way.
struct LastResortTests {
    private static let refused = PostgresError.server(ServerError(sqlState: "XX000", message: "no"))

    @Test func `bytes are kept whatever they are, once, and told of`() async throws {
        try await StoreDesk.open { desk in
            var letters = [[UInt8]](arrayLiteral: [], [0], [0xff, 0xfe, 0], Array("'; DROP TABLE x; --\\x".utf8))
            letters.append((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
            for body in letters {
                for lane in ["default", "", "a\u{0}b", "\u{1F600}", String(repeating: "x", count: 9000)] {
                    var letter = DeadLetter(
                        reason: .refused, explanation: "\u{0}", workOrderID: nil, exchange: "\u{0}",
                        routingKey: "\u{0}",
                        body: body, headers: "{not json", isRedelivered: false)
                    letter.lane = lane
                    try await desk.store.keepBytes(of: letter, because: Self.refused)
                    try await desk.store.keepBytes(
                        of: letter, because: .connectionLost(reason: "\u{0}", outcomeUnknown: true))
                }
            }
            #expect(try await desk.count("moose.dead_letters") == Int64(letters.count))
            #expect(try await desk.events(reason: "refused") == Int64(letters.count))
            #expect(try await desk.count("moose.dead_letters WHERE octet_length(body) = 65536") == 1)
            #expect(try await desk.count("moose.dead_letters WHERE explanation LIKE '%65536 of 100000 bytes'") == 1)
            // Not even where the event can't be written.
            try await desk.run("ALTER TABLE moose.outbox ADD CHECK (type <> 'moose.error-event.v1') NOT VALID")
            let last = DeadLetter(
                reason: .poison, explanation: "", workOrderID: UUID(), exchange: "", routingKey: "", body: [1],
                headers: "{}", isRedelivered: false)
            try await desk.store.keepBytes(of: last, because: Self.refused)
            #expect(try await desk.count("moose.dead_letters WHERE reason = 'poison'") == 1)
        }
    }

    @Test func `an attempt whose end is refused fails with its cost settled`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order(usd: "2")
            let token = try await desk.start(item)
            #expect(
                try await desk.store.endRefused(
                    item.id, token: token + 1, didStart: true, cost: StoreDesk.usd("1"), because: Self.refused)
                    == false,
                "another claim's")
            #expect(
                try await desk.store.endRefused(
                    item.id, token: token, didStart: true, cost: StoreDesk.usd("1"), because: Self.refused))
            #expect(try await desk.state(item.id) == "failed")
            #expect(try await desk.count("moose.cost_tracking WHERE amount_u = 1000000") == 1)
            #expect(try await desk.count("moose.budget_buckets WHERE held_u <> 0") == 0)
            #expect(try await desk.count("moose.dead_letters WHERE is_order AND work_order_id = '\(item.id)'") == 1)
            #expect(try await desk.events(reason: "refused") == 1)
            #expect(try await desk.store.endRefused(item.id, token: token, because: Self.refused) == false, "once")
        }
    }

    @Test func `what stands in the way of one consequence leaves the others`() async throws {
        try await StoreDesk.open { desk in
            try await desk.run("ALTER TABLE moose.outcome_vectors ADD CHECK (outcome <> 'failed') NOT VALID")
            let first = try StoreDesk.order()
            let firstToken = try await desk.start(first)
            #expect(try await desk.store.endRefused(first.id, token: firstToken, because: Self.refused))
            #expect(try await desk.events(reason: "refused") == 1, "it is told of without its attempt")
            let item = try StoreDesk.order(usd: "2")
            let token = try await desk.start(item)
            try await desk.run("ALTER TABLE moose.outbox ADD CHECK (type <> 'moose.error-event.v1') NOT VALID")
            #expect(
                try await desk.store.endRefused(
                    item.id, token: token, didStart: true, cost: StoreDesk.usd("1"), because: Self.refused))
            #expect(try await desk.state(item.id) == "failed")
            #expect(try await desk.count("moose.cost_tracking WHERE amount_u = 1000000") == 1)
        }
    }

    @Test func `an order that can't be claimed fails, and may be retried`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order()
            _ = try await desk.claim([item], park: true)
            #expect(try await desk.store.endRefused(item.id, token: nil, because: Self.refused))
            #expect(try await desk.state(item.id) == "failed")
            try await desk.run("SELECT * FROM moose.retry_work_orders(ARRAY['\(item.id)'::uuid], 'me', 'mended')")
            #expect(try await desk.state(item.id) == "pending")
        }
    }

    @Test func `a message that was begun and never answered is known by its bytes`() async throws {
        try await StoreDesk.open { desk in
            let body: [UInt8] = [0, 0xff, 1]
            for times in 0...3 { #expect(try await desk.store.beginMessage(body, id: "a") == times) }
            #expect(try await desk.store.beginMessage(body, id: nil) == 0, "another message")
            try await desk.store.answerMessage(body, id: "a")
            #expect(try await desk.store.beginMessage(body, id: "a") == 0)
        }
    }
}
