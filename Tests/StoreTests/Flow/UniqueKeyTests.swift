import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// Orders that are the only ones of their key.
struct UniqueKeyTests {
    @Test func `a second order is cancelled, names the first, and its publisher is told`() async throws {
        try await Ledger.open { ledger in
            let first = try Ledger.unique("nightly")
            let token = try await ledger.start(first)
            var second = try Ledger.unique("nightly")
            second.replyTo = "answers"
            #expect(try await ledger.claim([second]) == [.duplicate])
            #expect(try await ledger.state(second.id) == "cancelled")
            let error = "unique_key held by \(first.id.uuidString.lowercased())"
            #expect(try await ledger.text("SELECT error FROM moose.work_orders WHERE id = '\(second.id)'") == error)
            #expect(
                try await ledger.text(
                    """
                    SELECT convert_from(body, 'UTF8')::json ->> 'error' FROM moose.outbox
                    WHERE routing_key = 'answers' AND type = 'moose.outcome.v1'
                    """) == error)
            #expect(try await ledger.count("moose.budget_holds WHERE owner = '\(second.id)'") == 0)
            try await ledger.end(first.id, token)
            #expect(try await ledger.claim([Ledger.unique("nightly")])[0].token == 1, "the key is free again")
        }
    }

    @Test func `in whatever state the first waits it keeps its key, and of one batch the first has it`() async throws {
        try await Ledger.open { ledger in
            let batch = try (1...3).map { _ in try Ledger.unique("batch") }
            #expect(try await ledger.claim(batch).map(\.label) == ["run", "duplicate", "duplicate"])
            let scheduled = try Ledger.order(["unique_key": "\"later\"", "run_at": "\"2999-01-01T00:00:00Z\""])
            let blocked = try Ledger.order(["unique_key": "\"blocked\"", "depends_on": "[\"\(UUID())\"]"])
            #expect(try await ledger.claim([scheduled, blocked]) == [.later, .later])
            #expect(
                try await ledger.claim([Ledger.unique("later"), Ledger.unique("blocked")]) == [.duplicate, .duplicate])
            #expect(try await ledger.claim([scheduled]) == [.later], "published again it is itself, not its double")
        }
    }

    @Test func `a completed order keeps its key for its period, a failed one gives it up`() async throws {
        try await Ledger.open { ledger in
            let first = try Ledger.unique("daily", seconds: 3600)
            try await ledger.end(first.id, try await ledger.start(first))
            #expect(try await ledger.claim([Ledger.unique("daily")]) == [.duplicate])
            try await ledger.run("UPDATE moose.unique_keys SET held_until = held_until - interval '1 hour'")
            let next = try Ledger.unique("daily", seconds: 3600)
            let failure = AttemptFailure(.testFail, "no", retry: .never)
            try await ledger.end(next.id, try await ledger.start(next), .failed(failure))
            #expect(try await ledger.claim([Ledger.unique("daily")])[0].token == 1)
        }
    }

    @Test func `of sixteen who claim the same keys at once exactly one has each`() async throws {
        try await Ledger.open(connections: 16) { ledger in
            for _ in 1...5 {
                let keys = (1...40).map { "key \($0)" }
                let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 1...16 {
                        let items = try keys.shuffled().map { try Ledger.unique($0) }
                        group.addTask { try await ledger.claimPatiently(items).filter { $0.token != nil }.count }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(counts == 40)
                #expect(
                    try await ledger.count(
                        """
                        (SELECT unique_key FROM moose.work_orders WHERE state = 'in_progress'
                         GROUP BY 1 HAVING count(*) > 1) AS twice
                        """) == 0)
                try await ledger.endAll()
            }
        }
    }

    @Test func `the sweep forgets keys that nobody holds`() async throws {
        try await Ledger.open { ledger in
            let done = try Ledger.unique("done")
            try await ledger.end(done.id, try await ledger.start(done))
            _ = try await ledger.start(Ledger.unique("live"))
            try await ledger.run("UPDATE moose.unique_keys SET looked_at = now() - interval '2 hours'")
            _ = try await ledger.store.sweep(idleLanes: [])
            #expect(try await ledger.text("SELECT string_agg(key, ',') FROM moose.unique_keys") == "live")
        }
    }
}

/// Orders of a unique key that go on again, by whatever.
struct UniqueKeyAgainTests {
    /// An order of the key that failed for good.
    private static func failed(_ key: String, in ledger: Ledger, seconds: Int? = nil) async throws -> UUID {
        let item = try Ledger.unique(key, seconds: seconds)
        let failure = AttemptFailure(.testFail, "no", retry: .never)
        try await ledger.end(item.id, try await ledger.start(item), .failed(failure))
        return item.id
    }

    private static func retry(_ ids: [UUID], in ledger: Ledger) async throws -> [String] {
        try await ledger.store.postgres.run(
            """
            SELECT after || coalesce(' ' || held_by, '') FROM unnest(\(ids)) WITH ORDINALITY AS i (id, n)
            JOIN moose.retry_work_orders(\(ids), 'ann', 'again') r USING (id) ORDER BY n
            """
        ).rows.map { row throws(PostgresError) in try row.decode(0, as: String.self) }
    }

    private static func redrive(_ order: UUID, in ledger: Ledger) async throws -> Int {
        // None where somebody else has brought it back.
        let letters = try await ledger.store.postgres.run(
            "SELECT id FROM moose.dead_letters WHERE work_order_id = \(order) AND state = 'dead'"
        ).rows.map { row throws(PostgresError) in try row.decode(0, as: UUID.self) }
        return try await ledger.store.redriveOrders(letters, who: "ann", why: nil)
    }

    @Test func `a failed order isn't tried again while another holds its key, and takes it again afterwards`()
        async throws
    {
        try await Ledger.open { ledger in
            let first = try await Self.failed("k", in: ledger)
            let second = try Ledger.unique("k")
            let token = try await ledger.start(second)
            let holder = second.id.uuidString.lowercased()
            #expect(try await Self.retry([first], in: ledger) == ["failed \(holder)"])
            #expect(try await Self.redrive(first, in: ledger) == 0)
            #expect(try await ledger.count("moose.dead_letters WHERE state = 'dead'") == 1, "its letter stays open")
            #expect(try await ledger.count("moose.audit_log WHERE action = 'work order retry'") == 0)
            let letter = try await ledger.value("SELECT id FROM moose.dead_letters", as: UUID.self)
            #expect(try await ledger.store.openLetters([letter]).map(\.keyHolder) == [second.id])

            try await ledger.end(second.id, token)
            #expect(try await Self.retry([first], in: ledger) == ["pending"])
            #expect(try await ledger.claim([Ledger.unique("k")]) == [.duplicate], "it holds the key again")
            #expect(try await ledger.start(Ledger.doorbell(first)) == 2)
        }
    }

    @Test func `a redrive takes the key again`() async throws {
        try await Ledger.open { ledger in
            let order = try await Self.failed("k", in: ledger)
            #expect(try await Self.redrive(order, in: ledger) == 1)
            #expect(try await ledger.claim([Ledger.unique("k")]) == [.duplicate])
        }
    }

    @Test func `of two failed orders of a key that are tried again together the older one goes`() async throws {
        try await Ledger.open { ledger in
            let ids = [try await Self.failed("k", in: ledger), try await Self.failed("k", in: ledger)]
            let older = ids[0].uuidString.lowercased()
            #expect(try await Self.retry([ids[1], ids[0]], in: ledger) == ["failed \(older)", "pending"])
        }
    }

    @Test(arguments: ["pending", "needs_review", "blocked"])
    func `no hand in psql brings it back beside the holder`(state: String) async throws {
        try await Ledger.open { ledger in
            let first = try await Self.failed("k", in: ledger)
            _ = try await ledger.start(Ledger.unique("k"))
            let move = "UPDATE moose.work_orders SET state = '\(state)' WHERE id = '\(first)'"
            let error = await #expect(throws: PostgresError.self) { try await ledger.run(move) }
            #expect("\(String(describing: error))".contains("is held by"))
            #expect(try await ledger.state(first) == "failed")
            try await ledger.run("UPDATE moose.work_orders SET state = 'cancelled' WHERE id = '\(first)'")
        }
    }

    @Test func `the period counts again for one that is tried again and completes`() async throws {
        try await Ledger.open { ledger in
            let first = try await Self.failed("daily", in: ledger, seconds: 3600)
            // Another held the key meanwhile, without a period, and failed too.
            _ = try await Self.failed("daily", in: ledger)
            #expect(try await Self.retry([first], in: ledger) == ["pending"])
            try await ledger.end(first, try await ledger.start(Ledger.doorbell(first)))
            #expect(try await ledger.claim([Ledger.unique("daily")]) == [.duplicate])
        }
    }

    @Test func `of sixteen who claim, try again and redrive a key at once one runs`() async throws {
        try await Ledger.open(connections: 16) { ledger in
            for round in 1...5 {
                let keys = (1...10).map { "\(round) \($0)" }
                var failed: [UUID] = []
                for key in keys { failed.append(try await Self.failed(key, in: ledger)) }
                let again = failed
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for n in 1...16 {
                        let items = try keys.shuffled().map { try Ledger.unique($0) }
                        group.addTask {
                            switch n % 3 {
                            case 0: _ = try await ledger.claimPatiently(items)
                            case 1: _ = try? await Self.retry(again.shuffled(), in: ledger)
                            default: for order in again { _ = try? await Self.redrive(order, in: ledger) }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(
                    try await ledger.count(
                        """
                        (SELECT unique_key FROM moose.work_orders WHERE state IN ('in_progress', 'pending')
                         GROUP BY 1 HAVING count(*) > 1) AS twice
                        """) == 0)
                #expect(
                    try await ledger.count("moose.work_orders WHERE state IN ('in_progress', 'pending')") == 10,
                    "somebody has each")
                try await ledger.run(
                    "UPDATE moose.work_orders SET state = 'cancelled' WHERE state IN ('in_progress', 'pending')"
                )
                try await ledger.run("UPDATE moose.work_orders SET state = 'cancelled' WHERE state = 'failed'")
            }
        }
    }
}
