package import FoundationEssentials
package import Postgres

/// What one window of one budget used.
package struct BudgetWindowUse: Sendable {
    package let scope: String
    package let name: String
    package let period: String
    package let start: Date
    package let end: Date
    /// In the policy's time zone: `2026-01-31`, `2026-01`, or with its time when it began elsewhere; nil: all time.
    package let label: String?
    package let isRunning: Bool
    package let held: Int64
    package let posted: Int64
    /// What exempt agents used besides.
    package let exempt: Int64
    /// The highest cap that was in force in it, raises included; nil when it only tracked.
    package let cap: Int64?

    /// Those that ran in the last so many days, the newest first.
    ///
    /// - Parameter scopes: only these; all when empty.
    package static func newest(
        of scopes: [BudgetScope], days: Int, limit: Int, in database: PostgresClient
    ) async throws -> [BudgetWindowUse] {
        try await database.run(
            """
            -- What was in force from when until when: the state after each change; before the first one, the state
            -- before it; of a policy nobody changed, the one it has.
            WITH change AS (
                SELECT a.id, a.at, (coalesce(a.after, a.before) ->> 'id')::bigint AS policy_id, a.before, a.after
                FROM moose.audit_log a WHERE a.action IN ('budget insert', 'budget update')
            ), terms AS (
                SELECT c.policy_id, c.id, c.at AS since, c.after AS policy FROM change c
                UNION ALL
                SELECT f.policy_id, 0, '-infinity', f.before
                FROM (SELECT DISTINCT ON (c.policy_id) c.* FROM change c ORDER BY c.policy_id, c.id) f
                UNION ALL
                SELECT p.id, 0, '-infinity', to_jsonb(p) FROM moose.budget_policies p
                WHERE NOT EXISTS (SELECT 1 FROM change c WHERE c.policy_id = p.id)
            ), force AS (
                SELECT t.policy_id, t.since,
                       lead(t.since, 1, 'infinity') OVER (PARTITION BY t.policy_id ORDER BY t.since, t.id) AS until,
                       coalesce((t.policy ->> 'kill_u')::bigint, (t.policy ->> 'hard_u')::bigint) AS cap_u,
                       (t.policy ->> 'raised_u')::bigint AS raised_u,
                       (t.policy ->> 'raised_until')::timestamptz AS raised_until
                FROM terms t
            )
            SELECT p.scope, p.name, p.period, b.window_start, b.window_end,
                   to_char(l.start, CASE WHEN l.start <> date_trunc('day', l.start) THEN 'YYYY-MM-DD HH24:MI'
                                         WHEN p.period = 'month' AND l.start = date_trunc('month', l.start)
                                         THEN 'YYYY-MM'
                                         ELSE 'YYYY-MM-DD' END),
                   b.window_end > now(), sum(b.held_u) FILTER (WHERE NOT b.exempt)::bigint,
                   sum(b.posted_u) FILTER (WHERE NOT b.exempt)::bigint,
                   sum(b.held_u + b.posted_u) FILTER (WHERE b.exempt)::bigint,
                   (SELECT max(greatest(f.cap_u, CASE WHEN f.raised_until > greatest(f.since, b.window_start)
                                                      THEN f.raised_u END))
                    FROM force f
                    WHERE f.policy_id = p.id AND f.since < b.window_end AND f.until > b.window_start)
            FROM moose.budget_buckets b
            JOIN moose.budget_policies p ON p.id = b.policy_id
            CROSS JOIN LATERAL (SELECT CASE WHEN b.window_start > '-infinity'
                                            THEN b.window_start AT TIME ZONE p.time_zone END AS start) l
            WHERE b.window_end > now() - make_interval(days => \(Int32(days)))
              AND (\(scopes.isEmpty) OR (p.scope, p.name) IN (
                  SELECT * FROM unnest(\(scopes.map(\.kind.rawValue)), \(scopes.map(\.name)))))
            GROUP BY p.id, b.window_start, b.window_end, l.start
            ORDER BY b.window_start DESC, array_position(ARRAY['day', 'month', 'total'], p.period), p.scope <> 'org',
                     p.scope, p.name
            LIMIT \(limit)
            """
        ).rows.map { row in
            BudgetWindowUse(
                scope: try row.decode(0), name: try row.decode(1), period: try row.decode(2), start: try row.decode(3),
                end: try row.decode(4), label: try row.decode(5), isRunning: try row.decode(6),
                held: try row.decode(7, as: Int64?.self) ?? 0, posted: try row.decode(8, as: Int64?.self) ?? 0,
                exempt: try row.decode(9, as: Int64?.self) ?? 0, cap: try row.decode(10))
        }
    }

    package var json: JSONValue {
        [
            "scope": .string(scope), "name": .string(name), "period": .string(period), "window_start": .time(start),
            "window_end": .time(end), "running": .bool(isRunning), "held_usd": .usd(held), "posted_usd": .usd(posted),
            "exempt_usd": .usd(exempt), "cap_usd": .usd(cap),
        ]
    }
}
