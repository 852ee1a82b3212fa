import Postgres

extension Operation {
    /// How the server is told.
    var query: Query {
        switch self {
        case .setLimits(let key, let policy):
            """
            INSERT INTO moose.budget_policies (scope, name, period, soft_u, hard_u, kill_u, time_zone)
            VALUES (\(key.scope.kind.rawValue), \(key.scope.name), \(key.period.rawValue), \(policy.soft),
                    \(policy.hard), \(policy.kill), \(policy.timeZone))
            ON CONFLICT (scope, name, period)
                DO UPDATE SET soft_u = excluded.soft_u, hard_u = excluded.hard_u, kill_u = excluded.kill_u
            """
        case .raise(let key, let cap):
            """
            SELECT moose.raise_budget(\(key.scope.kind.rawValue), \(key.scope.name), \(key.period.rawValue), \(cap),
                                      now() + interval '1 day', 'test', 'more')
            """
        case .endRaise(let key):
            """
            UPDATE moose.budget_policies SET raised_until = now() - interval '1 second'
            WHERE scope = \(key.scope.kind.rawValue) AND name = \(key.scope.name)
              AND period = \(key.period.rawValue) AND raised_u IS NOT NULL
            """
        case .freeze(let scope):
            "SELECT moose.freeze_budget(\(scope.kind.rawValue), \(scope.name), 'test', 'stop')"
        case .unfreeze(let scope):
            "SELECT moose.unfreeze_budget(\(scope.kind.rawValue), \(scope.name), 'test', 'go on')"
        case .exempt(let agent): "INSERT INTO moose.budget_exempt_agents VALUES (\(agent)) ON CONFLICT DO NOTHING"
        case .endExemption(let agent): "DELETE FROM moose.budget_exempt_agents WHERE agent = \(agent)"
        case .rollOver(let key, let window):
            // The past moves away from a clock that stands still; how far tells the audit which window it was.
            """
            UPDATE moose.budget_buckets b
            SET window_start = b.window_start - \(Int64(window) + 1) * interval '400 days',
                window_end = b.window_end - \(Int64(window) + 1) * interval '400 days'
            FROM moose.budget_policies p
            WHERE p.id = b.policy_id AND now() >= b.window_start AND now() < b.window_end
              AND p.scope = \(key.scope.kind.rawValue) AND p.name = \(key.scope.name)
              AND p.period = \(key.period.rawValue)
            """
        case .correct(let name, let actual):
            """
            SELECT moose.correct_hold(\(name.owner), \(name.token), \(name.number), \(actual), 'test', 'the invoice')
            """
        case .expire: "SELECT moose.expire_holds()"
        }
    }
}
