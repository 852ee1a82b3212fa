import DatabaseSupport
import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

/// A session keeps its plans until somebody analyzes the tables again, and a burst, or one large transaction of another
/// program, doesn't wait for that. So what was planned while nearly nothing was there must stay cheap.
struct GrownTablesTests {
    /// So many rows come into each table.
    private static let growth: Int64 = 5000

    /// What the planner was told of the tables before they grew.
    enum Statistics: CaseIterable {
        case none
        case analyzed
        /// As a vacuum of a table that was just emptied leaves it: no rows on its pages, so none on however many to come.
        case emptied
    }

    @Test(arguments: Statistics.allCases)
    func `what was planned for small tables reads a few rows of those that have grown`(
        statistics: Statistics
    ) async throws {
        // One session, so that each plan is used again.
        try await StoreDesk.open(connections: 1, waitsForCommits: false) { desk in
            for table in try await desk.tables() {
                try await desk.run("ALTER TABLE \(table) SET (autovacuum_enabled = off)")
            }
            // The planner thinks otherwise of tables that nobody has looked at yet.
            if statistics != .none { try await desk.run("VACUUM ANALYZE") }
            if statistics == .emptied {
                try await desk.run(
                    """
                    UPDATE pg_class SET relpages = greatest(relpages, 1), reltuples = 0
                    WHERE relnamespace = 'moose'::regnamespace AND relkind IN ('r', 'i')
                    """)
            }
            for _ in 1...8 { try await desk.workADay() }

            // First somebody is still at it: no session hears of new tables' sizes before a commit.
            try await withPostgresClient(PostgresConfiguration(url: desk.database.url), connections: 1) { other in
                try await other.withTransaction { transaction in
                    try await transaction.runSimple(StoreDesk.growth(by: Self.growth))
                    try await Self.expectFewRowsRead(desk)
                }
            }
            try await Self.expectFewRowsRead(desk)
        }
    }

    private static func expectFewRowsRead(_ desk: StoreDesk) async throws {
        // Passes by what the growth itself has left behind.
        try await desk.workADay()
        let before = try await desk.database.rowsRead()
        try await desk.workADay()
        var after = try await desk.database.rowsRead()
        // Entries of rows that are gone stand in an index until the next vacuum; the growth leaves some in these.
        for index in ["dependency_waits_look", "waiting_take", "waiting_due"] { after[index] = nil }
        for (place, count) in after where count - before[place, default: 0] >= growth / 2 {
            Issue.record("\(count - before[place, default: 0]) rows of \(place) were read for a few orders")
        }
        #expect(after.count > 30)
    }
}

extension StoreDesk {
    fileprivate func tables() async throws -> [String] {
        try await store.postgres.run(
            "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'moose'::regnamespace AND relkind = 'r'"
        ).rows.decode(String.self)
    }

    /// A little of all that workers do.
    fileprivate func workADay() async throws {
        let first = try Self.order(usd: "0.01")
        let second = try Self.order(dependsOn: [first.id])
        let third = try Self.order(usd: "0.01")
        let token = try await start(first)
        _ = try await claim([second])
        let lost = try await start(third)
        _ = try await store.renew([LeaseKey(id: first.id, token: token)], worker: worker, lease: .seconds(45))
        try await expireLeases()
        let expired = try await store.expiredLeases()
        _ = try await store.rescue(expired.map(\.key).filter { $0.id == third.id }, maxAttempts: 3)
        _ = try await end(third.id, lost)
        try await end(first.id, token)
        try await lookOnce()
        try await end(second.id, try await start(Self.registered(second.id)))

        try await finishTogether(try (1...12).map { _ in try Self.order(usd: "0.01") })

        let failing = try Self.order()
        let behind = try Self.order(dependsOn: [failing.id])
        let failed = try await start(failing)
        _ = try await claim([behind])
        try await lookOnce()
        try await end(failing.id, failed, .failed(AttemptFailure(.testFail, "red", retry: .never)))
        try await lookOnce()
        _ = try await store.postgres.run(
            "SELECT before FROM moose.retry_work_orders(\([failing.id]), \("ann"), \("mended"))")
        _ = try await store.postgres.run(
            "SELECT before FROM moose.cancel_work_orders(\([failing.id, behind.id, third.id]), \("ann"), \("over"))")

        let leased = try await store.leaseOutbox(UUID(), limit: 20)
        _ = try await store.settleOutbox(confirmed: Array(leased.dropFirst(3)), unsent: Array(leased.prefix(3)))
        _ = try await store.wakeForMoney()
        _ = try await store.wakeGates()
        _ = try await store.expireHolds()
        _ = try await store.reportStuck(warnedAfter: .seconds(600), escalatedAfter: .seconds(1200))
        _ = try await store.lookAtLine(lanes: ["default"], kinds: ["work"])
        let terms = ClaimTerms(
            worker: worker, lease: .seconds(45), unknownKindGrace: .seconds(600),
            kinds: ["work": KindTerms(estimate: .zero)])
        for order in try await store.take(["default": 5], claim: UUID(), terms: terms, isRepeated: false) {
            if let token = order.verdict.token { try await end(order.id, token) }
        }
        _ = try await store.setApart(["default": 2])
    }

    /// Claims and finishes these as one batch each.
    private func finishTogether(_ orders: [ClaimItem]) async throws {
        var items: [FinishItem] = []
        for (order, verdict) in zip(orders, try await claim(orders)) {
            guard case .run(let grant) = verdict else { throw Unexpected(verdict: "\(verdict)") }
            items.append(
                FinishItem(
                    id: order.id, token: grant.token, ending: .completed,
                    report: AttemptReport(didStart: true, cost: .zero), handler: "work", duration: .seconds(1)))
        }
        _ = try await store.finish(items, worker: worker)
    }

    private struct Unexpected: Error { let verdict: String }

    /// Work of a busy time: ended, waiting for others, waiting for later, and messages for later. No table is altered, as
    /// that would have everything planned again.
    fileprivate static func growth(by count: Int64) -> String {
        """
        SET LOCAL statement_timeout = 0;
        CREATE TEMP TABLE made AS SELECT gen_random_uuid() AS id FROM generate_series(1, \(count));
        CREATE TEMP TABLE ended AS SELECT gen_random_uuid() AS id FROM generate_series(1, \(count));
        INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
        SELECT id, 'blocked', 'work', 'default', 'behind', now(), '', 'x' FROM made;
        INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
        SELECT gen_random_uuid(), 'scheduled', 'work', 'default', 'later', now() + interval '1 day', '', 'x'
        FROM made;
        INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
        SELECT id, 'scheduled', 'work', 'default', 'over', now(), '', 'x' FROM ended;
        UPDATE moose.work_orders w SET state = 'cancelled', finished_at = now() FROM ended e WHERE e.id = w.id;
        INSERT INTO moose.work_order_dependencies SELECT id, gen_random_uuid() FROM made;
        UPDATE moose.dependency_waits y SET look_at = NULL, at = d.depends_on, searched = NULL, number = DEFAULT
        FROM moose.work_order_dependencies d WHERE d.work_order_id = y.work_order_id AND y.work_order_id IN
            (SELECT id FROM made);
        INSERT INTO moose.outcome_vectors
            (work_order_id, fencing_token, attempt, outcome, success, handler, started_at, finished_at)
        SELECT id, 1, 1, 'completed', true, 'work', now(), now() FROM ended;
        INSERT INTO moose.budget_holds (owner, token, state, estimate_u, actual_u, bucket_ids, caps_u, closed_at)
        SELECT id, 1, 'settled', 0, 0, '{}', '{}', now() FROM ended;
        INSERT INTO moose.cost_tracking (owner, token, number, entry, amount_u, bucket_ids)
        SELECT id, 1, 0, 'settled', 0, '{}' FROM ended;
        INSERT INTO moose.outbox (exchange, routing_key, type, due_at)
        SELECT 'moose.work', 'default', 'moose.work-order.v1', now() + interval '1 day' FROM made;
        DROP TABLE made, ended
        """
    }
}
