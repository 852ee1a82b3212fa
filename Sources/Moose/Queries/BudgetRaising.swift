internal import FoundationEssentials
internal import Postgres

/// A raise of one budget's cap for a while, or its end.
struct BudgetRaising: Sendable {
    /// What became of it.
    struct Done: Sendable {
        /// The cap without any raise, and the raise that was in force before.
        let cap: Int64
        let replaced: Int64?
        let until: Date
        /// In the policy's time zone, as `2026-01-31 00:00`.
        let local: String
        let timeZone: String
    }

    let scope: BudgetScope
    let period: BudgetPeriod
    let who: String
    let reason: String

    /// Raises the cap; a new raise replaces the one in force.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/refused`` when there is no cap to raise, it is as high already, or
    ///   the end has passed.
    func raise(to amount: Int64, until end: RaiseEnd, in database: PostgresClient) async throws -> Done {
        try await database.withTransaction { transaction in
            let policy = try await policy(in: transaction)
            guard amount > policy.cap else {
                throw CommandFailure(
                    "the cap of \(title) is \(MoneyText.dollars(policy.cap)) already",
                    next: "State a higher amount; `moose budget set` lowers a cap", status: .refused)
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
                throw CommandFailure(
                    "the window of a total budget never ends", next: "State --until as an instant or a span such as 3d",
                    status: .usage)
            }
            guard try row.decode(2) else {
                throw CommandFailure(
                    "the end of the raise, \(try row.decode(1, as: String.self)) \(policy.timeZone), has passed",
                    next: "State a later one, or a span such as 2h", status: .usage)
            }
            let until = try row.decode(0, as: Date.self)
            _ = try await transaction.run(
                """
                SELECT moose.raise_budget(\(scope.kind.rawValue), \(scope.name), \(period.rawValue), \(amount), \(until),
                                          \(who), \(reason))
                """)
            return Done(
                cap: policy.cap, replaced: policy.raised, until: until, local: try row.decode(1),
                timeZone: policy.timeZone)
        }
    }

    /// Takes a raise back before its end.
    ///
    /// - Returns: the cap from now on, and what it was raised to.
    /// - Throws: ``CommandFailure`` with ``ExitStatus/refused`` when none is in force.
    func end(in database: PostgresClient) async throws -> (cap: Int64, was: Int64) {
        try await database.withTransaction { transaction in
            let policy = try await policy(in: transaction)
            guard let raised = policy.raised else {
                throw CommandFailure(
                    "the cap of \(title) is not raised", why: "It is \(MoneyText.dollars(policy.cap))",
                    next: "`moose budget show` says which are", status: .refused)
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
        let row = try await transaction.run(
            """
            SELECT id, coalesce(kill_u, hard_u), CASE WHEN raised_until > now() THEN raised_u END, time_zone
            FROM moose.budget_policies
            WHERE scope = \(scope.kind.rawValue) AND name = \(scope.name) AND period = \(period.rawValue) FOR UPDATE
            """
        ).first
        guard let row, let cap = try row.decode(1, as: Int64?.self) else {
            throw CommandFailure(
                row == nil ? "there is no budget \(title)" : "the budget \(title) has no cap: it only tracks",
                next: "`moose budget set\(scope.options) --\(period.rawValue) 100` sets one", status: .refused)
        }
        return (try row.decode(0), cap, try row.decode(2), try row.decode(3))
    }
}
