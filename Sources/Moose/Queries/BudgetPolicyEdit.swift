internal import Postgres

/// A change of one budget policy.
struct BudgetPolicyEdit: Sendable {
    /// What becomes of one limit.
    enum Change: Sendable, Equatable {
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

    let scope: String
    let name: String
    let period: String
    let soft: Change
    let hard: Change
    let kill: Change

    /// Makes the change, or creates the policy.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/refused`` when the limits would not rise from soft over hard to kill.
    func apply(in database: PostgresClient) async throws -> BudgetLimits {
        try await database.withTransaction { transaction in
            // Two edits at once would each check against limits the other is changing.
            let old = try await transaction.run(
                """
                SELECT soft_u, hard_u, kill_u FROM moose.budget_policies
                WHERE scope = \(scope) AND name = \(name) AND period = \(period) FOR UPDATE
                """
            ).first.map { row in
                BudgetLimits(soft: try row.decode(0), hard: try row.decode(1), kill: try row.decode(2))
            }
            let new = BudgetLimits(
                soft: soft.applied(to: old?.soft), hard: hard.applied(to: old?.hard), kill: kill.applied(to: old?.kill))
            if let flaw = new.flaw {
                throw CommandFailure(
                    "the budget was not changed", why: flaw,
                    next: "State the others too with --soft, --hard and --kill; `none` removes one", status: .refused)
            }
            _ = try await transaction.run(
                """
                INSERT INTO moose.budget_policies (scope, name, period, soft_u, hard_u, kill_u)
                VALUES (\(scope), \(name), \(period), \(new.soft), \(new.hard), \(new.kill))
                ON CONFLICT (scope, name, period) DO UPDATE
                SET soft_u = excluded.soft_u, hard_u = excluded.hard_u, kill_u = excluded.kill_u, updated_at = now()
                """)
            return new
        }
    }
}
