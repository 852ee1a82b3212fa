package import Postgres

/// A change of one budget policy.
package struct BudgetPolicyEdit: Sendable {
    /// What becomes of one limit.
    package enum Change: Sendable, Equatable {
        case keep
        case clear
        case set(Int64)

        func applied(to old: Int64?) -> Int64? {
            switch self {
            case .keep: old
            case .clear: nil
            case .set(let value): value
            }
        }
    }

    /// A policy as it stands.
    package struct Policy: Sendable, Equatable {
        package var limits: BudgetLimits
        package var timeZone: String
    }

    /// What it was (nil: there was none), what it is, and what that did to the window that ran.
    package struct Done: Sendable {
        package let old: Policy?
        package let new: Policy
        /// nil when the window is the same.
        package let shift: BudgetWindowShift?
    }

    package let scope: BudgetScope
    package let period: BudgetPeriod
    package let soft: Change
    package let hard: Change
    package let kill: Change
    /// nil keeps it; that of a new budget is UTC.
    package let timeZone: String?
    package let who: String
    package let reason: String?

    package init(
        scope: BudgetScope, period: BudgetPeriod, soft: Change, hard: Change, kill: Change, timeZone: String?,
        who: String, reason: String?
    ) {
        self.scope = scope
        self.period = period
        self.soft = soft
        self.hard = hard
        self.kill = kill
        self.timeZone = timeZone
        self.who = who
        self.reason = reason
    }

    /// Makes the change, or creates the policy.
    ///
    /// - Throws: ``OperationError/Kind/refused`` when the limits would not rise from soft over hard to kill,
    ///   ``OperationError/Kind/invalid`` for an unknown time zone.
    package func apply(in database: PostgresClient) async throws -> Done {
        try await database.withTransaction { transaction in
            let zone: String? =
                if let timeZone { try await TimeZoneName.known(timeZone, in: transaction) } else { nil }
            let old = try await policy(in: transaction)
            let new = Policy(
                limits: BudgetLimits(
                    soft: soft.applied(to: old?.limits.soft), hard: hard.applied(to: old?.limits.hard),
                    kill: kill.applied(to: old?.limits.kill)),
                timeZone: zone ?? old?.timeZone ?? "UTC")
            if let flaw = new.limits.flaw(for: scope) {
                throw OperationError(
                    .refused, "the budget was not changed", why: flaw,
                    next: "State the others too with --soft, --hard and --kill; `none` removes one")
            }
            guard new != old else { return Done(old: old, new: new, shift: nil) }
            let shift = try await BudgetWindowShift.between(old?.timeZone, new.timeZone, of: self, in: transaction)
            _ = try await transaction.run("SELECT moose.act_as(\(who), \(reason))")
            _ = try await transaction.run(
                """
                INSERT INTO moose.budget_policies (scope, name, period, soft_u, hard_u, kill_u, time_zone)
                VALUES (\(scope.kind.rawValue), \(scope.name), \(period.rawValue), \(new.limits.soft),
                        \(new.limits.hard), \(new.limits.kill), \(new.timeZone))
                ON CONFLICT (scope, name, period) DO UPDATE
                SET soft_u = excluded.soft_u, hard_u = excluded.hard_u, kill_u = excluded.kill_u,
                    time_zone = excluded.time_zone, updated_at = now()
                """)
            return Done(old: old, new: new, shift: shift)
        }
    }

    private func policy(in transaction: PostgresTransaction) async throws -> Policy? {
        // Two edits at once would each check against limits the other is changing.
        try await transaction.run(
            """
            SELECT soft_u, hard_u, kill_u, time_zone FROM moose.budget_policies
            WHERE scope = \(scope.kind.rawValue) AND name = \(scope.name) AND period = \(period.rawValue) FOR UPDATE
            """
        ).rows.decode((Int64?, Int64?, Int64?, String).self).first.map { soft, hard, kill, timeZone in
            Policy(limits: BudgetLimits(soft: soft, hard: hard, kill: kill), timeZone: timeZone)
        }
    }
}
