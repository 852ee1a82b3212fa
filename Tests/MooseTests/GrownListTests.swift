import DatabaseSupport
import FoundationEssentials
import Operations
import Postgres
import Testing
import WorkOrders

/// Somebody opens a list on a busy day: however much there is, a page of it is read along an index.
struct GrownListTests {
    private static let orders = 12_000
    private static let page = 20
    /// Of all tables and indexes together, for one page. Each of its lines is read in a table and an index or two.
    private static let few: Int64 = 400

    /// Above the size up to which work orders are sorted by their time; and the server has looked at the tables, as it does
    /// by itself soon after they have grown.
    private static let growth = """
        INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest)
        SELECT gen_random_uuid(), (ARRAY['failed', 'pending', 'blocked'])[n % 3 + 1], 'work', 'default', 't', now(), '{}', ''
        FROM generate_series(1, \(orders)) AS n;
        INSERT INTO moose.dead_letters (id, reason, explanation, body, digest, created_at)
        SELECT gen_random_uuid(), 'malformed', n::text, '', decode(md5(n::text), 'hex'), now() - n * interval '1 second'
        FROM generate_series(1, \(orders)) AS n;
        INSERT INTO moose.escalations (state, fingerprint, trigger_type, failure_class, severity, component, operation,
                                       message, count, options, last_seen)
        SELECT 'open', n::text, 't', 'c', 'warning', 'worker', 'o', 'm', 1, '[]', now() - n * interval '1 second'
        FROM generate_series(1, \(orders)) AS n;
        ANALYZE;
        UPDATE pg_class SET reltuples = 300000 WHERE oid = 'moose.work_orders'::regclass
        """

    @Test func `a page of a list reads a few rows, also a later page`() async throws {
        // One session, whose own counts are known at once.
        try await MooseDatabase.open(connections: 1) { database in
            try await database.run(Self.growth)
            for state in [nil, WorkOrderState.failed, .pending, .blocked] {
                try await Self.expectFewRowsRead("work orders, \(state?.rawValue ?? "all")", database) { after in
                    try await WorkOrderListFilter(state: state, after: after)
                        .newest(Self.page, in: database.client).map(\.id)
                }
            }
            try await Self.expectFewRowsRead("dead letters", database) { after in
                var filter = DeadLetterFilter()
                filter.after = after
                return try await filter.newest(Self.page, in: database.client).map(\.id)
            }
            try await Self.expectFewRowsRead("escalations", database) { after in
                try await EscalationFilter(after: after).newest(Self.page, in: database.client).map(\.id)
            }
        }
    }

    private static func expectFewRowsRead(
        _ what: String, _ database: MooseDatabase, _ list: (_ after: UUID?) async throws -> [UUID]
    ) async throws {
        var last: UUID?
        for number in 1...3 {
            let before = try await database.rowsRead()
            let ids = try await list(last)
            let after = try await database.rowsRead()
            #expect(ids.count == page)
            last = ids.last
            let read = after.values.reduce(0, +) - before.values.reduce(0, +)
            let places = after.filter { $1 > before[$0, default: 0] }.keys.sorted()
            #expect(read < few, "\(what), page \(number): \(read) rows of \(places)")
        }
    }
}
