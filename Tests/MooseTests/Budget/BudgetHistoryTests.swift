import ArgumentParser
import FoundationEssentials
import Operations
import Postgres
import TestSupport
import Testing

@testable import Moose

struct BudgetHistoryTests {
    /// Moves what was counted so far a day back, with its holds, its ledger and what was changed.
    private func age(_ desk: BudgetDesk, days: Int) async throws {
        for (table, columns) in [
            ("moose.budget_holds", ["created_at", "closed_at"]), ("moose.audit_log", ["at"]),
            ("moose.budget_buckets", ["window_start", "window_end"]),
        ] {
            let set = columns.map { "\($0) = \($0) - interval '\(days) days'" }.joined(separator: ", ")
            try await desk.database.runSimple("UPDATE \(table) SET \(set)")
        }
        try await desk.database.runSimple(
            """
            ALTER TABLE moose.cost_tracking DISABLE TRIGGER cost_tracking_append_only;
            UPDATE moose.cost_tracking SET created_at = created_at - interval '\(days) days';
            ALTER TABLE moose.cost_tracking ENABLE TRIGGER cost_tracking_append_only
            """)
    }

    private func day(_ desk: BudgetDesk, _ scopes: [BudgetScope] = []) async throws -> [BudgetWindowUse] {
        try await BudgetWindowUse.newest(of: scopes, days: 30, limit: 100, in: desk.database).filter {
            $0.period == "day"
        }
    }

    @Test func `a window shows the highest cap that was in force in it`() async throws {
        try await BudgetDesk.open { desk in
            _ = try await desk.spend("10")
            #expect(try await day(desk).map(\.cap) == [100_000_000])
            try await desk.run(BudgetRaise.self, "--day", "150", "--until", "window", "--reason", "r")
            #expect(try await day(desk).map(\.cap) == [150_000_000])
            try await age(desk, days: 1)
            // What the entries say ages with them; the change of the policy by hand gets no entry.
            try await desk.database.runSimple(
                """
                UPDATE moose.audit_log SET after = after || jsonb_build_object(
                    'raised_until', (after ->> 'raised_until')::timestamptz - interval '1 day');
                UPDATE moose.budget_policies SET raised_until = raised_until - interval '1 day' WHERE raised_u > 0;
                DELETE FROM moose.audit_log WHERE at = (SELECT max(at) FROM moose.audit_log)
                """)
            try await desk.run(BudgetSet.self, "--day", "70")
            _ = try await desk.spend("4")
            let days = try await day(desk)
            #expect(days.map(\.posted) == [4_000_000, 10_000_000])
            #expect(days.map(\.isRunning) == [true, false])
            // Before the change of today the cap was 100; the raise of yesterday had ended.
            #expect(days.first?.cap == 100_000_000)
            #expect(days.last?.cap == 150_000_000)
        }
    }

    @Test func `history is of the named budgets only`() async throws {
        try await BudgetDesk.open { desk in
            try await desk.run(BudgetSet.self, "--project", "shop", "--day", "5", "--reason", "first")
            try await desk.run(BudgetSet.self, "--day", "90", "--reason", "second")
            _ = try await desk.spend("1", metadata: #"{"project": "shop"}"#)
            _ = try await desk.spend("2", metadata: #"{"agent": "architect"}"#)
            let shop = try await desk.run(BudgetHistory.self, "--project", "shop").text
            #expect(shop.contains("project shop, day") && !shop.contains("org"))
            #expect(shop.contains("why: first") && !shop.contains("second"))
            #expect(shop.contains("created: kill $5.00, time zone UTC"))
            let all = try await desk.run(BudgetHistory.self).text
            #expect(all.contains("EXEMPT") && all.contains("$2.00"))
            #expect(all.contains("why: second") && all.contains("kill $100.00 -> $90.00"))
            #expect(try await desk.run(BudgetHistory.self, "--limit", "1").text.contains("--limit shows more"))
            try await age(desk, days: 3)
            #expect(try await desk.run(BudgetHistory.self, "--days", "1").text.contains("No changes"))
            #expect(throws: (any Error).self) { try BudgetHistory.parse(["--days", "0"]) }
        }
    }

    @Test func `pruning deletes what is old, counts it first, and leaves every sum`() async throws {
        try await BudgetDesk.open { desk in
            try await desk.run(BudgetSet.self, "--project", "shop", "--total", "50")
            for _ in 1...30 { _ = try await desk.spend("1", metadata: #"{"project": "shop"}"#) }
            try await age(desk, days: 70)
            for _ in 1...3 { _ = try await desk.spend("1", metadata: #"{"project": "shop"}"#) }
            let open = try #require(try await desk.reserve("1"))
            try await desk.database.runSimple(
                "UPDATE moose.budget_holds SET created_at = now() - interval '70 days' WHERE owner = '\(open)'")

            let dry = try await desk.run(BudgetPrune.self, "--dry-run", "--ledger-days", "60")
            #expect(dry.text.contains("30 holds older than 60 days would be deleted"))
            #expect(try await desk.count("moose.budget_holds") == 34)
            #expect(try await desk.run(BudgetPrune.self, "--holds-days", "80").text.hasPrefix("0 holds"))
            let pruned = try await desk.run(BudgetPrune.self, "--ledger-days", "60")
            #expect(pruned.json == ["holds": .count(30), "ledger_entries": .count(30), "dry_run": .bool(false)])
            #expect(try await desk.count("moose.budget_holds") == 4, "the open one stays")
            #expect(try await desk.count("moose.cost_tracking WHERE entry = 'carried'") > 0)
            let total = try await desk.line(BudgetScope(kind: .project, name: "shop"), "total")
            #expect(total.postedMicroUSD == 33_000_000)
            #expect(try await desk.changes().first?.text(arrow: "->") == "holds 30, ledger entries 30")
            // The desk reconciles at the end: what was deleted is still in the sums.
        }
    }

    @Test func `pruning goes through a large table in steps`() async throws {
        try await BudgetDesk.open { desk in
            // A wide metadata makes many blocks of few rows.
            try await desk.database.runSimple(
                """
                INSERT INTO moose.budget_holds (owner, token, state, estimate_u, bucket_ids, caps_u, metadata, created_at,
                                                closed_at)
                SELECT gen_random_uuid(), 0, 'cancelled', 0, '{}', '{}',
                       jsonb_build_object('x', (SELECT string_agg(md5(n::text || i::text), '') FROM generate_series(1, 50) i)),
                       now() - interval '70 days', now() - interval '70 days'
                FROM generate_series(1, 15000) n
                """)
            let blocks = try await desk.value("SELECT moose.blocks_of('moose.budget_holds')", as: Int64.self)
            try #require(blocks > Int64(LedgerPruning.blocksAtATime) * 2, "\(blocks)")
            var steps: [Int] = []
            let pruning = LedgerPruning(rows: .holds, days: 60, isDryRun: false)
            #expect(try await pruning.run(in: desk.database) { done, _ in steps.append(done) } == 15_000)
            #expect(steps.count == (Int(blocks) + 1_999) / 2_000 && steps.last == Int(blocks))
            #expect(try await desk.count("moose.budget_holds") == 0)
        }
    }
}
