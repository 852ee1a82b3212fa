import ArgumentParser
import FoundationEssentials
import Operations
import Postgres
import Store
import Testing
import WorkOrders

@testable import Moose

/// `moose prune`, and what other commands say of what is gone.
struct PruneTests {
    /// A finished order of so many days ago.
    private static func ended(_ desk: BudgetDesk, days: Int, state: String = "completed") async throws -> UUID {
        let id = UUID()
        try await desk.database.runSimple("ALTER TABLE moose.work_orders DISABLE TRIGGER work_orders_insert")
        _ = try await desk.database.run(
            """
            INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest, created_at, finished_at)
            SELECT \(id), \(state), 'work', 'default', 't', a, '{}', '\\x01', a, a
            FROM (SELECT now() - make_interval(days => \(Int32(days))) AS a) x
            """)
        try await desk.database.runSimple("ALTER TABLE moose.work_orders ENABLE TRIGGER work_orders_insert")
        return id
    }

    @Test func `it counts first, then deletes and says how much, and the audit log keeps it`() async throws {
        try await BudgetDesk.open { desk in
            let old = try await Self.ended(desk, days: 31)
            _ = try await Self.ended(desk, days: 29)
            let dry = try await desk.run(PruneCommand.self, "--dry-run")
            #expect(dry.text.hasPrefix("Would be deleted:") && dry.text.contains(" 1 finished work orders\n"))
            #expect(try await desk.count("moose.work_orders") == 2)
            #expect(try await desk.count("moose.audit_log WHERE action = 'prune'") == 0)

            guard case .object(let done) = try await desk.run(PruneCommand.self).json else {
                Issue.record("no object")
                return
            }
            #expect(done["work_orders"] == .count(1) && done["dry_run"] == .bool(false))
            #expect(try await desk.count("moose.work_orders") == 1)
            #expect(try await desk.count("moose.audit_log WHERE action = 'prune'") == 1)

            let pruned = try #require(try await PrunedOrder.find(old, in: desk.database))
            let failure = WorkOrdersShow.pruned(pruned)
            #expect(failure.status == .refused && failure.sentences.contains("It had ended completed on "))
            #expect(try await PrunedOrder.find(UUID(), in: desk.database) == nil)
            let change = try #require(
                try await WorkOrderChange.retry([old], who: "ann", reason: nil, in: desk.database).first)
            #expect(change.before == "pruned" && change.after == "pruned")

            // Published again, its publisher need not wait: it had ended.
            let again = OrdersEnded.Publication(id: old, body: Array("another".utf8))
            #expect(try await OrdersEnded.count([again], desk.database).reused == [old])
        }
    }

    @Test func `the times of the command line go before those of moose yaml, and the limit holds`() async throws {
        try await BudgetDesk.open { desk in
            for days in [3, 8, 8, 8] { _ = try await Self.ended(desk, days: days) }
            #expect(try await desk.run(PruneCommand.self).text.contains(" 0 finished work orders\n"))
            let some = try await desk.run(PruneCommand.self, "--orders-days", "7", "--limit", "2", "--share", "100")
            #expect(some.text.contains(" 2 finished work orders\n"))
            #expect(try await desk.count("moose.work_orders") == 2)
        }
    }

    @Test(arguments: [
        ["--orders-days", "0"], ["--ids-days", "5"], ["--share", "0"], ["--share", "101"], ["--limit", "0"],
        ["--orders-days", "100", "--ids-days", "99"],
    ])
    func `what makes no sense is refused before anything is deleted`(arguments: [String]) throws {
        let command = try #require(try PruneCommand.parseAsRoot(arguments) as? PruneCommand)
        let failure = #expect(throws: CommandFailure.self) { try command.wanted() }
        #expect(failure?.status == .usage)
    }

    @Test(arguments: [nil, WorkOrderState.failed, .completed, .pending])
    func `a list of very many orders needs no sort, and finds the newest by their ids`(state: WorkOrderState?)
        async throws
    {
        try await BudgetDesk.open { desk in
            try await desk.database.runSimple(
                """
                ALTER TABLE moose.work_orders DISABLE TRIGGER USER;
                INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest, created_at)
                SELECT (lpad(to_hex(n), 12, '0') || '7000' || '8000000000000000')::uuid,
                       CASE WHEN n % 100 = 0 THEN 'failed' WHEN n % 100 = 1 THEN 'pending' ELSE 'completed' END, 'work', 'default',
                       't', now(), '', '', to_timestamp(n)
                FROM generate_series(1, 210000) AS n;
                ALTER TABLE moose.work_orders ENABLE TRIGGER USER;
                INSERT INTO moose.wrong (id, state) SELECT id, state FROM moose.work_orders WHERE state = 'failed';
                INSERT INTO moose.waiting (id, state, lane, run_at)
                SELECT id, state, lane, run_at FROM moose.work_orders WHERE state = 'pending';
                ANALYZE moose.work_orders
                """)
            var filter = WorkOrderListFilter(state: state)
            let newest = try await filter.newest(5, in: desk.database)
            #expect(newest.count == 5 && newest.map(\.createdAt) == newest.map(\.createdAt).sorted(by: >))
            #expect(newest.allSatisfy { state == nil || $0.state == state?.rawValue })
            filter.after = newest[2].id
            #expect(try await filter.newest(2, in: desk.database).map(\.id) == newest[3...].map(\.id))
        }
    }
}
