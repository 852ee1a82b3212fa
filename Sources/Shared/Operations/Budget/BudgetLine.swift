package import FoundationEssentials
package import Postgres

/// A budget with its window now in force.
package struct BudgetLine: Sendable {
    package let scope: String
    package let name: String
    package let period: String
    package let timeZone: String
    package let limits: BudgetLimits
    /// Where granting ends now, a raise included; nil when it only tracks.
    package let capMicroUSD: Int64?
    /// The raise in force, and its end.
    package let raisedMicroUSD: Int64?
    package let raisedUntil: Date?
    package let windowStart: Date
    package let windowEnd: Date
    package let heldMicroUSD: Int64
    package let postedMicroUSD: Int64
    /// What exempt agents used, which no limit here stops.
    package let exemptMicroUSD: Int64
    /// What was posted in the last hour, as a rate; nil when nobody watched it for long enough.
    package let hourlyMicroUSD: Int64?
    /// When the cap is reached at that rate; nil when not within the window.
    package let emptyAt: Date?
    /// Instants in the policy's own time zone, as `2026-01-31 00:00`.
    package let local: LocalTimes
    /// nil unless it is frozen.
    package let freeze: BudgetFreezeState?

    package struct LocalTimes: Sendable {
        package var windowEnd: String?
        package var raisedUntil: String?
        package var emptyAt: String?
    }

    /// The org first. A window nobody has spent in yet has no bucket: that is zero.
    ///
    /// - Parameter scopes: only these; all when nil.
    package static func current(of scopes: [BudgetScope]? = nil, in database: PostgresClient) async throws
        -> [BudgetLine]
    {
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
    /// What new work can still take; below zero after an overrun.
    package var freeMicroUSD: Int64? { capMicroUSD.map { $0 - heldMicroUSD - postedMicroUSD } }

    package var json: JSONValue {
        [
            "scope": .string(scope), "name": .string(name), "period": .string(period), "time_zone": .string(timeZone),
            "soft_usd": .usd(limits.soft), "hard_usd": .usd(limits.hard), "kill_usd": .usd(limits.kill),
            "cap_usd": .usd(capMicroUSD), "raised_usd": .usd(raisedMicroUSD), "raised_until": .time(raisedUntil),
            "window_start": .time(windowStart), "window_end": .time(windowEnd), "held_usd": .usd(heldMicroUSD),
            "posted_usd": .usd(postedMicroUSD), "free_usd": .usd(freeMicroUSD), "exempt_usd": .usd(exemptMicroUSD),
            "hourly_usd": .usd(hourlyMicroUSD), "empty_at": .time(emptyAt), "frozen": freeze?.json ?? .null,
        ]
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
