package import FoundationEssentials
package import Postgres

/// A raise of one budget's cap for a while, or its end.
package struct BudgetRaising: Sendable {
    /// What became of it.
    package struct Done: Sendable {
        /// The cap without any raise, and the raise that was in force before.
        package let cap: Int64
        package let replaced: Int64?
        package let until: Date
        /// In the policy's time zone, as `2026-01-31 00:00`.
        package let local: String
        package let timeZone: String
    }

    package let scope: BudgetScope
    package let period: BudgetPeriod
    package let who: String
    package let reason: String

    package init(scope: BudgetScope, period: BudgetPeriod, who: String, reason: String) {
        self.scope = scope
        self.period = period
        self.who = who
        self.reason = reason
    }

    /// Raises the cap; a new raise replaces the one in force.
    ///
    /// - Throws: ``OperationError/Kind/refused`` when there is no cap to raise or it is as high already,
    ///   ``OperationError/Kind/notFound`` when there is no such budget, ``OperationError/Kind/invalid`` when the end
    ///   has passed or there is none.
    package func raise(to amount: Int64, until end: RaiseEnd, in database: PostgresClient) async throws -> Done {
        try await database.withTransaction { transaction in
            let policy = try await policy(in: transaction)
            guard amount > policy.cap else {
                throw OperationError(
                    .refused, "the cap of \(title) is \(MoneyText.dollars(policy.cap)) already",
                    next: "State a higher amount; `moose budget set` lowers a cap")
            }
            var (at, after): (Date?, Duration?) = (nil, nil)
            switch end {
            case .at(let date): at = date
            case .after(let span): after = span
            case .endOfWindow: break
            }
            let row = try await transaction.run(
                """
                SELECT u.at, to_char(u.at AT TIME ZONE p.time_zone, 'YYYY-MM-DD HH24:MI'), u.at > now(),
                       u.at < 'infinity'
                FROM moose.budget_policies p
                CROSS JOIN LATERAL moose.budget_window(p.period, p.time_zone, now()) w
                CROSS JOIN LATERAL (SELECT coalesce(\(at), now() + \(after), w.window_end) AS at) u
                WHERE p.id = \(policy.id)
                """
            ).first
            guard let row, try row.decode(3) else {
                throw OperationError(
                    .invalid, "the window of a total budget never ends",
                    next: "State --until as an instant or a span such as 3d")
            }
            guard try row.decode(2) else {
                throw OperationError(
                    .invalid,
                    "the end of the raise, \(try row.decode(1, as: String.self)) \(policy.timeZone), has passed",
                    next: "State a later one, or a span such as 2h")
            }
            let until = try row.decode(0, as: Date.self)
            _ = try await transaction.run(
                """
                SELECT moose.raise_budget(\(scope.kind.rawValue), \(scope.name), \(period.rawValue), \(amount),
                                          \(until), \(who), \(reason))
                """)
            return Done(
                cap: policy.cap, replaced: policy.raised, until: until, local: try row.decode(1),
                timeZone: policy.timeZone)
        }
    }

    /// Takes a raise back before its end.
    ///
    /// - Returns: the cap from now on, and what it was raised to.
    /// - Throws: ``OperationError/Kind/refused`` when none is in force.
    package func end(in database: PostgresClient) async throws -> (cap: Int64, was: Int64) {
        try await database.withTransaction { transaction in
            let policy = try await policy(in: transaction)
            guard let raised = policy.raised else {
                throw OperationError(
                    .refused, "the cap of \(title) is not raised", why: "It is \(MoneyText.dollars(policy.cap))",
                    next: "`moose budget show` says which are")
            }
            _ = try await transaction.run("SELECT moose.act_as(\(who), \(reason))")
            _ = try await transaction.run(
                """
                UPDATE moose.budget_policies SET raised_u = NULL, raised_until = NULL, updated_at = now()
                WHERE id = \(policy.id)
                """)
            return (policy.cap, raised)
        }
    }

    private var title: String { "\(scope.title), \(period.rawValue)" }

    private func policy(in transaction: PostgresTransaction) async throws
        -> (id: Int64, cap: Int64, raised: Int64?, timeZone: String)
    {
        let policy = try await transaction.run(
            """
            SELECT id, coalesce(kill_u, hard_u), CASE WHEN raised_until > now() THEN raised_u END, time_zone
            FROM moose.budget_policies
            WHERE scope = \(scope.kind.rawValue) AND name = \(scope.name) AND period = \(period.rawValue) FOR UPDATE
            """
        ).first?.decode((Int64, Int64?, Int64?, String).self)
        let next = "`moose budget set\(scope.options) --\(period.rawValue) 100` sets one"
        guard let (id, cap, raised, timeZone) = policy else {
            throw OperationError(.notFound, "there is no budget \(title)", next: next)
        }
        guard let cap else {
            throw OperationError(.refused, "the budget \(title) has no cap: it only tracks", next: next)
        }
        return (id, cap, raised, timeZone)
    }
}
