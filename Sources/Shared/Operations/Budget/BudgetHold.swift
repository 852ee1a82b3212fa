package import FoundationEssentials
package import Postgres

/// A hold of a work order or a reservation, with what its ledger entries add up to.
package struct BudgetHold: Sendable {
    package let id: HoldIdentifier
    /// `held`, `dispatched`, `settled`, `cancelled`, `expired` or `presumed_spent`.
    package let state: String
    package let estimate: Int64
    package let posted: Int64
    package let handler: String?
    package let closedAt: Date?
    /// The budgets it counts in, such as `org, day of 2026-01-31`.
    package let budgets: [String]

    package var isOpen: Bool { state == "held" || state == "dispatched" }

    /// Those the identifier names, in the order they were taken.
    package static func find(_ wanted: HoldIdentifier, in database: PostgresClient) async throws -> [BudgetHold] {
        try await database.run(
            """
            SELECT h.token, h.number, h.state, h.estimate_u, h.handler, h.closed_at,
                   coalesce((SELECT sum(c.amount_u) FROM moose.cost_tracking c
                             WHERE (c.owner, c.token, c.number) = (h.owner, h.token, h.number)), 0)::bigint,
                   ARRAY(SELECT CASE p.scope WHEN 'org' THEN 'org' ELSE p.scope || ' ' || p.name END || ', ' || p.period
                                || coalesce(' of ' || to_char(b.window_start AT TIME ZONE p.time_zone,
                                            CASE p.period WHEN 'month' THEN 'YYYY-MM' ELSE 'YYYY-MM-DD' END), '')
                         FROM moose.budget_buckets b JOIN moose.budget_policies p ON p.id = b.policy_id
                         WHERE b.id = ANY (h.bucket_ids) ORDER BY b.id)
            FROM moose.budget_holds h
            WHERE h.owner = \(wanted.owner) AND (\(wanted.token) IS NULL OR h.token = \(wanted.token))
              AND (\(wanted.number) IS NULL OR h.number = \(wanted.number))
            ORDER BY h.token, h.number
            """
        ).rows.map { row in
            BudgetHold(
                id: HoldIdentifier(owner: wanted.owner, token: try row.decode(0), number: try row.decode(1)),
                state: try row.decode(2), estimate: try row.decode(3), posted: try row.decode(6),
                handler: try row.decode(4), closedAt: try row.decode(5), budgets: try row.decode(7))
        }
    }

    /// Posts the difference to what it really cost, in the windows it was taken in.
    package func correct(to actual: Int64, who: String, reason: String, in database: PostgresClient) async throws {
        _ = try await database.run(
            """
            SELECT moose.correct_hold(\(id.owner), \(id.token), \(id.number), \(actual), \(who), \(reason))
            """)
    }
}
