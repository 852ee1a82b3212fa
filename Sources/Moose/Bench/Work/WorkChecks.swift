internal import FoundationEssentials
internal import Postgres
internal import WorkOrders

/// What must be true of work orders that a worker has done, to the cent.
struct WorkChecks: Sendable {
    let bench: BenchStack
    let ids: [UUID]

    func run(round: Int) async throws -> [BenchCheck] {
        let cost = ids.count * Int(BenchOrders.cost.microdollars)
        return try await bench.withDatabase { database in
            let row = try await database.run(
                Query(
                    """
                    SELECT (SELECT count(*) FROM moose.work_orders WHERE state = 'completed' AND id = ANY ($1)),
                           (SELECT count(*) FROM moose.outcome_vectors WHERE success AND work_order_id = ANY ($1)),
                           (SELECT count(*) FROM moose.outcome_vectors WHERE work_order_id = ANY ($1)),
                           (SELECT coalesce(sum(amount_u), 0)::bigint FROM moose.cost_tracking WHERE owner = ANY ($1)),
                           (SELECT coalesce(sum(held_u), 0)::bigint FROM moose.budget_buckets),
                           (SELECT count(*) FROM moose.reconcile()),
                           (SELECT count(*) FROM moose.live_set_differences())
                    """, parameters: [Parameter(ids)])
            ).first
            func check(_ name: String, _ expected: Int, _ column: Int) throws -> BenchCheck {
                BenchCheck(
                    name: name, round: round, expected: expected,
                    found: Int(try row?.decode(column, as: Int64.self) ?? -1))
            }
            return [
                try check("work orders completed", ids.count, 0),
                try check("attempts that succeeded", ids.count, 1),
                try check("attempts in all", ids.count, 2),
                try check("posted, in micro-USD", cost, 3),
                try check("still held, in micro-USD", 0, 4),
                try check("differences of reconcile", 0, 5),
                try check("orders missing from a live set", 0, 6),
            ]
        }
    }
}
