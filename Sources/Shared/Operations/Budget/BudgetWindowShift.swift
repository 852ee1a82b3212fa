internal import Postgres

/// What a change of time zone does to the window of a budget that runs now: another one starts, with what was counted
/// in that one so far, which is mostly nothing.
package struct BudgetWindowShift: Sendable {
    /// In the old zone, as `2026-01-31 00:00`.
    package let oldStart: String
    package let oldUsed: Int64
    /// In the new zone.
    package let newStart: String
    package let newEnd: String
    package let newUsed: Int64

    /// nil when both zones give the same window, or there was no budget before.
    static func between(
        _ old: String?, _ new: String, of edit: BudgetPolicyEdit, in transaction: PostgresTransaction
    ) async throws -> BudgetWindowShift? {
        guard let old else { return nil }
        return try await transaction.run(
            """
            SELECT to_char(o.window_start AT TIME ZONE \(old), 'YYYY-MM-DD HH24:MI'),
                   coalesce(a.held_u + a.posted_u, 0),
                   to_char(n.window_start AT TIME ZONE \(new), 'YYYY-MM-DD HH24:MI'),
                   to_char(n.window_end AT TIME ZONE \(new), 'YYYY-MM-DD HH24:MI'), coalesce(b.held_u + b.posted_u, 0)
            FROM moose.budget_policies p
            CROSS JOIN LATERAL moose.budget_window(p.period, \(old), now()) o
            CROSS JOIN LATERAL moose.budget_window(p.period, \(new), now()) n
            LEFT JOIN moose.budget_buckets a
                ON a.policy_id = p.id AND a.window_start = o.window_start AND NOT a.exempt
            LEFT JOIN moose.budget_buckets b
                ON b.policy_id = p.id AND b.window_start = n.window_start AND NOT b.exempt
            WHERE p.scope = \(edit.scope.kind.rawValue) AND p.name = \(edit.scope.name)
              AND p.period = \(edit.period.rawValue) AND o.window_start <> n.window_start
            """
        ).rows.decode().map(BudgetWindowShift.init).first
    }

    package var json: JSONValue {
        ["old_window_used_usd": .usd(oldUsed), "new_window_used_usd": .usd(newUsed)]
    }
}
