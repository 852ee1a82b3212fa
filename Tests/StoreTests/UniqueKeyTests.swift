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
