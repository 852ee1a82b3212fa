import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// Orders that are the only ones of their key.
struct UniqueKeyTests {
    @Test func `a second order is cancelled, names the first, and its publisher is told`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.unique("nightly")
            let token = try await desk.start(first)
            let second = try StoreDesk.unique("nightly", replyTo: "answers")
            #expect(try await desk.claim([second]) == [.duplicate])
            #expect(try await desk.state(second.id) == "cancelled")
            let error = "unique_key held by \(first.id.uuidString.lowercased())"
            #expect(try await desk.text("SELECT error FROM moose.work_orders WHERE id = '\(second.id)'") == error)
            #expect(
                try await desk.text(
                    """
                    SELECT convert_from(body, 'UTF8')::json ->> 'error' FROM moose.outbox
                    WHERE routing_key = 'answers' AND type = 'moose.outcome.v1'
                    """) == error)
            #expect(try await desk.count("moose.budget_holds WHERE owner = '\(second.id)'") == 0)
            try await desk.end(first.id, token)
            #expect(try await desk.claim([StoreDesk.unique("nightly")])[0].token == 1, "the key is free again")
        }
    }

    @Test func `in whatever state the first waits it keeps its key, and of one batch the first has it`() async throws {
        try await StoreDesk.open { desk in
            let batch = try (1...3).map { _ in try StoreDesk.unique("batch") }
            #expect(try await desk.claim(batch).map(\.label) == ["run", "duplicate", "duplicate"])
            let scheduled = try StoreDesk.order(["unique_key": "\"later\"", "run_at": "\"2999-01-01T00:00:00Z\""])
            let blocked = try StoreDesk.order(["unique_key": "\"blocked\"", "depends_on": "[\"\(UUID())\"]"])
            #expect(try await desk.claim([scheduled, blocked]) == [.later, .later])
            #expect(
                try await desk.claim([StoreDesk.unique("later"), StoreDesk.unique("blocked")]) == [
                    .duplicate, .duplicate,
                ])
            #expect(try await desk.claim([scheduled]) == [.later], "published again it is itself, not its double")
        }
    }

    @Test func `a completed order keeps its key for its period, a failed one gives it up`() async throws {
        try await StoreDesk.open { desk in
            let first = try StoreDesk.unique("daily", seconds: 3600)
            try await desk.end(first.id, try await desk.start(first))
            #expect(try await desk.claim([StoreDesk.unique("daily")]) == [.duplicate])
            try await desk.run("UPDATE moose.unique_keys SET held_until = held_until - interval '1 hour'")
            let next = try StoreDesk.unique("daily", seconds: 3600)
            let failure = AttemptFailure(.testFail, "no", retry: .never)
            try await desk.end(next.id, try await desk.start(next), .failed(failure))
            #expect(try await desk.claim([StoreDesk.unique("daily")])[0].token == 1)
        }
    }

    @Test func `of sixteen who claim the same keys at once exactly one has each`() async throws {
        try await StoreDesk.open(connections: 16) { desk in
            for _ in 1...5 {
                let keys = (1...40).map { "key \($0)" }
                let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 1...16 {
                        let items = try keys.shuffled().map { try StoreDesk.unique($0) }
                        group.addTask { try await desk.claimPatiently(items).filter { $0.token != nil }.count }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(counts == 40)
                #expect(
                    try await desk.count(
                        """
                        (SELECT unique_key FROM moose.work_orders WHERE state = 'in_progress'
                         GROUP BY 1 HAVING count(*) > 1) AS twice
                        """) == 0)
                try await desk.endAll()
            }
        }
    }

    @Test func `the sweep forgets keys that nobody holds`() async throws {
        try await StoreDesk.open { desk in
            let done = try StoreDesk.unique("done")
            try await desk.end(done.id, try await desk.start(done))
            _ = try await desk.start(StoreDesk.unique("live"))
            try await desk.run("UPDATE moose.unique_keys SET looked_at = now() - interval '2 hours'")
            _ = try await desk.store.tidy()
            #expect(try await desk.text("SELECT string_agg(key, ',') FROM moose.unique_keys") == "live")
        }
    }
}

/// Orders of a unique key that go on again, by whatever.
struct UniqueKeyAgainTests {
    /// An order of the key that failed for good.
    private static func failed(_ key: String, in desk: StoreDesk, seconds: Int? = nil) async throws -> UUID {
        let item = try StoreDesk.unique(key, seconds: seconds)
        let failure = AttemptFailure(.testFail, "no", retry: .never)
        try await desk.end(item.id, try await desk.start(item), .failed(failure))
        return item.id
    }

    private static func retry(_ ids: [UUID], in desk: StoreDesk) async throws -> [String] {
        try await desk.store.postgres.run(
            """
            SELECT after || coalesce(' ' || held_by, '') FROM unnest(\(ids)) WITH ORDINALITY AS i (id, n)
            JOIN moose.retry_work_orders(\(ids), 'ann', 'again') r USING (id) ORDER BY n
            """
        ).rows.map { row throws(PostgresError) in try row.decode(0, as: String.self) }
    }

    private static func redrive(_ order: UUID, in desk: StoreDesk) async throws -> Int {
        // None where somebody else has brought it back.
        let letters = try await desk.store.postgres.run(
            "SELECT id FROM moose.dead_letters WHERE work_order_id = \(order) AND state = 'dead'"
        ).rows.map { row throws(PostgresError) in try row.decode(0, as: UUID.self) }
        return try await desk.store.redriveOrders(letters, who: "ann", why: nil)
    }

    @Test func `a failed order isn't tried again while another holds its key, and takes it again afterwards`()
        async throws
    {
        try await StoreDesk.open { desk in
            let first = try await Self.failed("k", in: desk)
            let second = try StoreDesk.unique("k")
            let token = try await desk.start(second)
            let holder = second.id.uuidString.lowercased()
            #expect(try await Self.retry([first], in: desk) == ["failed \(holder)"])
            #expect(try await Self.redrive(first, in: desk) == 0)
            #expect(try await desk.count("moose.dead_letters WHERE state = 'dead'") == 1, "its letter stays open")
            #expect(try await desk.count("moose.audit_log WHERE action = 'work order retry'") == 0)
            let letter = try await desk.value("SELECT id FROM moose.dead_letters", as: UUID.self)
            #expect(try await desk.store.openLetters([letter]).map(\.keyHolder) == [second.id])

            try await desk.end(second.id, token)
            #expect(try await Self.retry([first], in: desk) == ["pending"])
            #expect(try await desk.claim([StoreDesk.unique("k")]) == [.duplicate], "it holds the key again")
            #expect(try await desk.start(StoreDesk.registered(first)) == 2)
        }
    }

    @Test func `a redrive takes the key again`() async throws {
        try await StoreDesk.open { desk in
            let order = try await Self.failed("k", in: desk)
            #expect(try await Self.redrive(order, in: desk) == 1)
            #expect(try await desk.claim([StoreDesk.unique("k")]) == [.duplicate])
        }
    }

    @Test func `of two failed orders of a key that are tried again together the older one goes`() async throws {
        try await StoreDesk.open { desk in
            let ids = [try await Self.failed("k", in: desk), try await Self.failed("k", in: desk)]
            let older = ids[0].uuidString.lowercased()
            #expect(try await Self.retry([ids[1], ids[0]], in: desk) == ["failed \(older)", "pending"])
        }
    }

    @Test(arguments: ["pending", "needs_review", "blocked"])
    func `no hand in psql brings it back beside the holder`(state: String) async throws {
        try await StoreDesk.open { desk in
            let first = try await Self.failed("k", in: desk)
            _ = try await desk.start(StoreDesk.unique("k"))
            let move = "UPDATE moose.work_orders SET state = '\(state)' WHERE id = '\(first)'"
            let error = await #expect(throws: PostgresError.self) { try await desk.run(move) }
            #expect("\(String(describing: error))".contains("is held by"))
            #expect(try await desk.state(first) == "failed")
            try await desk.run("UPDATE moose.work_orders SET state = 'cancelled' WHERE id = '\(first)'")
        }
    }

    @Test func `the period counts again for one that is tried again and completes`() async throws {
        try await StoreDesk.open { desk in
            let first = try await Self.failed("daily", in: desk, seconds: 3600)
            // Another held the key meanwhile, without a period, and failed too.
            _ = try await Self.failed("daily", in: desk)
            #expect(try await Self.retry([first], in: desk) == ["pending"])
            try await desk.end(first, try await desk.start(StoreDesk.registered(first)))
            #expect(try await desk.claim([StoreDesk.unique("daily")]) == [.duplicate])
        }
    }

    @Test func `of sixteen who claim, try again and redrive a key at once one runs`() async throws {
        try await StoreDesk.open(connections: 16) { desk in
            for round in 1...5 {
                let keys = (1...10).map { "\(round) \($0)" }
                var failed: [UUID] = []
                for key in keys { failed.append(try await Self.failed(key, in: desk)) }
                let again = failed
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for n in 1...16 {
                        let items = try keys.shuffled().map { try StoreDesk.unique($0) }
                        group.addTask {
                            switch n % 3 {
                            case 0: _ = try await desk.claimPatiently(items)
                            case 1: _ = try? await Self.retry(again.shuffled(), in: desk)
                            default: for order in again { _ = try? await Self.redrive(order, in: desk) }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(
                    try await desk.count(
                        """
                        (SELECT unique_key FROM moose.work_orders WHERE state IN ('in_progress', 'pending')
                         GROUP BY 1 HAVING count(*) > 1) AS twice
                        """) == 0)
                #expect(
                    try await desk.count("moose.work_orders WHERE state IN ('in_progress', 'pending')") == 10,
                    "somebody has each")
                try await desk.run(
                    "UPDATE moose.work_orders SET state = 'cancelled' WHERE state IN ('in_progress', 'pending')"
                )
                try await desk.run("UPDATE moose.work_orders SET state = 'cancelled' WHERE state = 'failed'")
            }
        }
    }
}
