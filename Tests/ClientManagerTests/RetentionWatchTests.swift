import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

@testable import ClientManager

/// The daily run, over a table of some thousand finished orders.
struct RetentionWatchTests {
    private static func fill(_ desk: Desk, _ count: Int) async throws {
        try await desk.store.postgres.runSimple(
            """
            ALTER TABLE moose.work_orders DISABLE TRIGGER work_orders_insert;
            INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest, fencing_token, finished_at)
            SELECT gen_random_uuid(), CASE WHEN n % 10 = 0 THEN 'cancelled' ELSE 'completed' END, 'work', 'default', 't', now(),
                   '{}', sha256(n::text::bytea), 1, now() - interval '40 days'
            FROM generate_series(1, \(count)) AS n;
            INSERT INTO moose.outcome_vectors (work_order_id, fencing_token, attempt, outcome, success)
            SELECT id, 1, 1, 'completed', true FROM moose.work_orders;
            ALTER TABLE moose.work_orders ENABLE TRIGGER work_orders_insert
            """)
    }

    @Test func `the daily run deletes what is old, once, and says how much`() async throws {
        try await Desk.open { desk in
            try await Self.fill(desk, 3000)
            let watch = RetentionWatch(Retention(days: [.orders: 30, .ids: 90, .audit: 400]))
            #expect(try await watch.runOnce(desk.store) == nil, "it isn't due")
            try await desk.store.postgres.runSimple("UPDATE moose.retention SET due_at = now()")
            let counts = try #require(try await watch.runOnce(desk.store))
            #expect(counts.orders == 3000 && counts.attempts == 3000 && counts.ids == 0)
            #expect(try await desk.count("moose.work_orders") == 0)
            #expect(try await desk.count("moose.outcome_vectors") == 0)
            #expect(try await desk.count("moose.pruned_orders") == 3000)
            #expect(
                try await desk.count(
                    "moose.audit_log WHERE who = 'moose client-manager' AND after ->> 'work_orders' = '3000'")
                    == 1)
            #expect(try await watch.runOnce(desk.store) == nil, "until tomorrow")
        }
    }

    @Test func `a limit and a dry run are kept to, in steps`() async throws {
        try await Desk.open { desk in
            try await Self.fill(desk, 1800)
            var retention = Retention(days: [.orders: 30])
            retention.share = 100
            retention.isDryRun = true
            #expect(try await retention.run(on: desk.store).orders == 1800)
            retention.isDryRun = false
            retention.limit = 1234
            var most = 0
            var before = 0
            let counts = try await retention.run(on: desk.store) { _, counts in
                most = max(most, counts.orders - before)
                before = counts.orders
            }
            #expect(counts.orders == 1234 && most == Retention.rowsAStep)
            #expect(try await desk.count("moose.work_orders") == 566)
        }
    }

    @Test func `claims go on beside it, and their ids are none of its`() async throws {
        try await Desk.open { desk in
            try await Self.fill(desk, 6000)
            var retention = Retention(days: [.orders: 30])
            retention.share = 100
            let pruning = retention
            let worker = UUID()
            let terms = ClaimTerms(
                worker: worker, lease: .seconds(45), unknownKindGrace: .seconds(600),
                kinds: ["work": KindTerms(estimate: .zero)])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await pruning.run(on: desk.store) }
                for _ in 1...20 {
                    let items = try (1...50).map { _ in
                        let body = Array(#"{"id":"\#(UUID.timeOrdered())","kind":"work","title":"t"}"#.utf8)
                        return ClaimItem(
                            form: try WorkOrderMessage.decode(body, messageID: nil, lane: "default"), body: body)
                    }
                    let verdicts = try await desk.store.claim(items, claim: UUID(), terms: terms, park: false)
                    #expect(
                        verdicts.allSatisfy {
                            if case .run = $0 { true } else { false }
                        })
                }
                try await group.waitForAll()
            }
            #expect(try await desk.count("moose.work_orders WHERE state = 'in_progress'") == 1000)
            #expect(try await desk.count("moose.work_orders") == 1000)
        }
    }
}
