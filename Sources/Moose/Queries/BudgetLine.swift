internal import FoundationEssentials
internal import Postgres

/// A budget with its window now in force.
struct BudgetLine: Sendable {
    let scope: String
    let name: String
    let period: String
    let timeZone: String
    let limits: BudgetLimits
    /// Where granting ends now, a raise included; nil when it only tracks.
    let capMicroUSD: Int64?
    /// The raise in force, and its end.
    let raisedMicroUSD: Int64?
    let raisedUntil: Date?
    let windowStart: Date
    let windowEnd: Date
    let heldMicroUSD: Int64
    let postedMicroUSD: Int64
    /// What exempt agents used, which no limit here stops.
    let exemptMicroUSD: Int64
    /// What was posted in the last hour, as a rate; nil when nobody watched it for long enough.
    let hourlyMicroUSD: Int64?
    /// When the cap is reached at that rate; nil when not within the window.
    let emptyAt: Date?
    /// Instants in the policy's own time zone, as `2026-01-31 00:00`.
    let local: LocalTimes
    /// nil unless it is frozen.
    let freeze: BudgetFreezeState?

    struct LocalTimes: Sendable {
        var windowEnd: String?
        var raisedUntil: String?
        var emptyAt: String?
    }

    /// The org first. A window nobody has spent in yet has no bucket: that is zero.
    ///
    /// - Parameter scopes: only these; all when nil.
    static func current(of scopes: [BudgetScope]? = nil, in database: PostgresClient) async throws -> [BudgetLine] {
        try await database.run(
            """
            SELECT s.scope, s.name, s.period, s.time_zone, s.soft_u, s.hard_u, s.kill_u, s.cap_u, s.raised_u,
                   s.raised_until, s.window_start, s.window_end, s.held_u, s.posted_u, s.exempt_u, s.hourly_u,
                   s.empty_at, to_char(s.window_end AT TIME ZONE s.time_zone, 'YYYY-MM-DD HH24:MI'),
                   to_char(s.raised_until AT TIME ZONE s.time_zone, 'YYYY-MM-DD HH24:MI'),
                   to_char(s.empty_at AT TIME ZONE s.time_zone, 'YYYY-MM-DD HH24:MI'), f.since, f.who, f.reason
            FROM moose.budget_status() s
            LEFT JOIN moose.budget_freezes f ON f.scope = s.scope AND f.name = s.name
            WHERE \(scopes == nil) OR (s.scope, s.name) IN (
                SELECT * FROM unnest(\((scopes ?? []).map(\.kind.rawValue)), \((scopes ?? []).map(\.name))))
            ORDER BY s.scope <> 'org', s.scope, s.name, array_position(ARRAY['day', 'month', 'total'], s.period)
            """
        ).rows.map { row in try BudgetLine(row) }
    }
}

extension BudgetLine {
    private init(_ row: PostgresRow) throws {
        self.init(
            scope: try row.decode(0), name: try row.decode(1), period: try row.decode(2), timeZone: try row.decode(3),
            limits: BudgetLimits(soft: try row.decode(4), hard: try row.decode(5), kill: try row.decode(6)),
            capMicroUSD: try row.decode(7), raisedMicroUSD: try row.decode(8), raisedUntil: try row.decode(9),
            windowStart: try row.decode(10), windowEnd: try row.decode(11), heldMicroUSD: try row.decode(12),
            postedMicroUSD: try row.decode(13), exemptMicroUSD: try row.decode(14), hourlyMicroUSD: try row.decode(15),
            emptyAt: try row.decode(16),
            local: LocalTimes(
                windowEnd: try row.decode(17), raisedUntil: try row.decode(18), emptyAt: try row.decode(19)),
            freeze: try row.decode(20, as: Date?.self).map { since in
                BudgetFreezeState(since: since, who: try row.decode(21), reason: try row.decode(22))
            })
    }
}
