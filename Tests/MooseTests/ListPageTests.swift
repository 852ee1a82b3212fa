import FoundationEssentials
import Operations
import Postgres
import Testing
import WorkOrders

@testable import Moose

/// Lists longer than a page, as somebody reads them who goes on after the last line.
struct ListPageTests {
    /// All ids, a page after the other.
    private func all(_ page: (_ after: UUID?) async throws -> [UUID]) async throws -> [UUID] {
        var seen: [UUID] = []
        while true {
            let ids = try await page(seen.last)
            seen += ids
            if ids.isEmpty || seen.count > 1_000 { return seen }
        }
    }

    @Test func `pages of escalations follow each other, also where many were seen at one instant`() async throws {
        try await BudgetDesk.open { desk in
            try await desk.database.runSimple(
                """
                INSERT INTO moose.escalations (state, fingerprint, trigger_type, failure_class, severity, component,
                                               operation, message, count, options, last_seen)
                SELECT CASE WHEN n % 5 = 0 THEN 'resolved' ELSE 'open' END, n::text, 't', 'c', 'warning', 'worker', 'o',
                       'm', 1, '[]', '2026-01-31T00:00:00Z'::timestamptz - n / 4 * interval '1 minute'
                FROM generate_series(1, 20) AS n
                """)
            let open = EscalationFilter()
            let once = try await open.newest(100, in: desk.database)
            #expect(once.count == 16 && once.map(\.lastSeen) == once.map(\.lastSeen).sorted(by: >))
            let pages = try await all { after in
                try await EscalationFilter(after: after).newest(3, in: desk.database).map(\.id)
            }
            #expect(pages == once.map(\.id))
            #expect(try await EscalationFilter(all: true).newest(100, in: desk.database).count == 20)
        }
    }

    @Test(arguments: [nil, WorkOrderState.pending])
    func `pages of work orders follow each other, filtered or not`(state: WorkOrderState?) async throws {
        try await BudgetDesk.open { desk in
            try await desk.database.runSimple(
                """
                INSERT INTO moose.work_orders
                    (id, state, kind, lane, title, project, agent, run_at, body, digest, created_at)
                SELECT gen_random_uuid(), CASE WHEN n % 5 = 0 THEN 'failed' ELSE 'pending' END, 'work', 'default', 't',
                       CASE n % 5 WHEN 1 THEN 'textkit' END, CASE n % 5 WHEN 2 THEN 'ann' END, now(), '{}', '',
                       now() - n / 4 * interval '1 minute'
                FROM generate_series(1, 20) AS n
                """)
            let once = try await WorkOrderListFilter(state: state).newest(100, in: desk.database)
            #expect(once.count == (state == nil ? 20 : 16))
            let pages = try await all { after in
                try await WorkOrderListFilter(state: state, after: after).newest(3, in: desk.database).map(\.id)
            }
            #expect(pages == once.map(\.id))
            #expect(try await WorkOrderListFilter(kind: "other").newest(1, in: desk.database).isEmpty)
            #expect(try await WorkOrderListFilter(project: "textkit").newest(100, in: desk.database).count == 4)
            #expect(try await WorkOrderListFilter(agent: "ann").newest(100, in: desk.database).count == 4)
            #expect(
                try await WorkOrderListFilter(project: "textkit", agent: "ann").newest(1, in: desk.database).isEmpty)
        }
    }
}
