internal import FoundationEssentials
package import Postgres
internal import WorkOrders

/// The whole system in a few numbers.
package struct SystemStatus: Sendable {
    /// How many work orders stand in each state; without the completed ones.
    package let orders: [String: Int]
    package let completed: Int
    /// Whether ``completed`` is the server's estimate: counting millions would take long.
    package let completedIsEstimate: Bool
    package let workers: Int
    package let slots: Int
    package let running: Int
    package let waiting: Int
    /// Since when the oldest due message of the outbox waits.
    package let oldestSeconds: Double?
    package let escalations: Int
    package let critical: Int
    package let deadLetters: Int
    /// Lanes that have work and no worker.
    package let untended: [UntendedLane]
    package let budgets: [BudgetLine]

    package static func load(from database: PostgresClient) async throws -> SystemStatus {
        // The live sets: finished work costs nothing.
        let counts = try await database.run(
            """
            SELECT state, count(*) FROM moose.waiting GROUP BY 1
            UNION ALL SELECT 'in_progress', count(*) FROM moose.leases HAVING count(*) > 0
            UNION ALL SELECT state, count(*) FROM moose.wrong GROUP BY 1
            """
        ).rows.decode((String, Int).self)
        let orders = Dictionary(counts) { first, _ in first }
        let (completed, isEstimate) = try await countCompleted(besides: orders.values.reduce(0, +), database)
        let (workers, slots, running, waiting, oldest, escalations, critical, dead) = try await database.row(
            """
            SELECT w.alive, w.slots, w.running, o.waiting, o.oldest, e.open, e.critical, d.dead
            FROM (SELECT count(*) AS alive, coalesce(sum(slots), 0)::bigint AS slots,
                         coalesce(sum(running), 0)::bigint AS running
                  FROM moose.workers WHERE stopped_at IS NULL AND last_seen > now() - interval '60 seconds') w,
                 (SELECT count(*) AS waiting, extract(epoch FROM now() - min(due_at))::float8 AS oldest
                  FROM moose.outbox WHERE due_at <= now()) o,
                 (SELECT count(*) AS open, count(*) FILTER (WHERE severity = 'critical') AS critical
                  FROM moose.escalations WHERE state <> 'resolved') e,
                 (SELECT count(*) AS dead FROM moose.dead_letters WHERE state = 'dead') d
            """, as: (Int, Int, Int, Int, Double?, Int, Int, Int).self)
        return SystemStatus(
            orders: orders, completed: completed, completedIsEstimate: isEstimate, workers: workers, slots: slots,
            running: running, waiting: waiting, oldestSeconds: oldest, escalations: escalations, critical: critical,
            deadLetters: dead, untended: try await UntendedLane.all(in: database),
            budgets: try await BudgetLine.current(in: database))
    }

    /// How many orders there are, as the server's statistics know.
    static func estimatedOrders(in database: PostgresClient) async throws -> Int {
        try await database.count(
            """
            SELECT greatest(c.reltuples, s.n_live_tup, 0)::bigint FROM pg_class c
            LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid WHERE c.oid = 'moose.work_orders'::regclass
            """)
    }

    private static func countCompleted(
        besides others: Int, _ database: PostgresClient
    ) async throws -> (count: Int, isEstimate: Bool) {
        let total = try await estimatedOrders(in: database)
        if total > 200_000 { return (max(0, total - others), true) }
        let exact = try await database.count("SELECT count(*) FROM moose.work_orders WHERE state = 'completed'")
        return (exact, false)
    }

    package var json: JSONValue {
        var states = Dictionary(WorkOrderState.allCases.map { ($0.rawValue, JSONValue.count(0)) }) { first, _ in first }
        for (state, count) in orders { states[state] = .count(count) }
        states["completed"] = .count(completed)
        return [
            "work_orders": .object(states), "completed_is_estimate": .bool(completedIsEstimate),
            "workers": ["alive": .count(workers), "slots": .count(slots), "running": .count(running)],
            "outbox": ["waiting": .count(waiting), "oldest_seconds": .count(oldestSeconds.map { Int(max(0, $0)) })],
            "escalations": ["open": .count(escalations), "critical": .count(critical)],
            "dead_letters": .count(deadLetters), "lanes_without_worker": .array(untended.map(\.json)),
            "budgets": .array(budgets.map(\.json)),
        ]
    }
}
