internal import Postgres
internal import WorkOrders

/// Orders that were finished 60 days ago, as a round leaves them: with their attempts, settled holds and ledger
/// entries, all of which the books of that day and month know.
struct FinishedOrders: Sendable {
    /// A millisecond of one day each.
    static let most = 50_000_000

    let count: Int
    /// So many a statement.
    var piece = 50_000

    /// Puts them into the tables; the limits must be what they will be in the rounds.
    /// - Parameter progress: hears now and then how many there are.
    func insert(into database: PostgresClient, progress: (String) -> Void) async throws {
        try await database.runSimple(Self.function)
        // No order is born finished, and each of these triggers would look at every one of them.
        try await database.runSimple("ALTER TABLE moose.work_orders DISABLE TRIGGER USER")
        for first in stride(from: 1, through: count, by: piece) {
            let last = min(count, first + piece - 1)
            _ = try await database.run(
                "SELECT bench.insert_finished(\(Int64(first)), \(Int64(last)), \(BenchOrders.cost.microdollars))")
            if last == count || last.isMultiple(of: 10 * piece) {
                progress("\(NumberText.grouped(last)) of \(NumberText.grouped(count)) finished orders inserted.")
            }
        }
        try await database.runSimple("ALTER TABLE moose.work_orders ENABLE TRIGGER USER")
        try await database.runSimple(
            "VACUUM (ANALYZE) moose.work_orders, moose.outcome_vectors, moose.budget_holds, moose.cost_tracking")
        try await database.runSimple("CHECKPOINT")
        progress("Tables vacuumed.")
    }

    /// The ids rise with time and the bodies have the length of the rounds' own.
    private static let function = """
        CREATE SCHEMA IF NOT EXISTS bench;
        CREATE FUNCTION bench.insert_finished(p_first bigint, p_last bigint, p_cost bigint) RETURNS void
        LANGUAGE plpgsql AS $$
        DECLARE
            v_day timestamptz := date_trunc('day', now() - interval '60 days');
            v_buckets bigint[]; v_caps bigint[];
        BEGIN
            INSERT INTO moose.budget_buckets (policy_id, window_start, window_end)
                SELECT p.id, w.window_start, w.window_end
                FROM moose.budget_policies p, moose.budget_window(p.period, p.time_zone, v_day) w
                ON CONFLICT DO NOTHING;
            SELECT array_agg(b.id ORDER BY b.id), array_agg(l.cap_u ORDER BY b.id) INTO v_buckets, v_caps
            FROM moose.budget_limits l, moose.budget_window(l.period, l.time_zone, v_day) w, moose.budget_buckets b
            WHERE b.policy_id = l.id AND b.window_start = w.window_start AND NOT b.exempt;

            WITH made AS MATERIALIZED (
                SELECT v_day + n * interval '1 ms' AS at,
                       (lpad(to_hex((extract(epoch FROM v_day) * 1000)::bigint + n), 12, '0')
                        || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || substr(md5(n::text), 1, 15))::uuid AS id
                FROM generate_series(p_first, p_last) AS n
            ), orders AS (
                INSERT INTO moose.work_orders (id, state, kind, lane, title, estimate_u, attempt, run_at,
                                               fencing_token, started_at, body, digest, created_at, finished_at)
                SELECT m.id, 'completed', '\(BenchOrders.kind)', '\(BenchStack.lane)', 'A no-op', 10000, 1, m.at, 1,
                       m.at,
                       convert_to(
                           rpad('{"id":"' || m.id || '","kind":"\(BenchOrders.kind)","title":"A no-op",'
                                || '"estimated_cost_usd":"\(BenchOrders.estimate)","payload":"',
                                \(BenchOrders.bodyBytes) - 2, 'x') || '"}', 'UTF8'),
                       decode(md5(m.id::text), 'hex'), m.at, m.at
                FROM made m
            ), attempts AS (
                INSERT INTO moose.outcome_vectors (work_order_id, fencing_token, attempt, outcome, success, cost_u,
                                                   handler, duration_ms, started_at, finished_at)
                SELECT m.id, 1, 1, 'completed', true, p_cost, '\(BenchOrders.kind)', 0, m.at, m.at FROM made m
            ), holds AS (
                INSERT INTO moose.budget_holds (owner, token, state, estimate_u, actual_u, bucket_ids, caps_u, handler,
                                                created_at, closed_at)
                SELECT m.id, 1, 'settled', 10000, p_cost, v_buckets, v_caps, '\(BenchOrders.kind)', m.at, m.at
                FROM made m
            )
            INSERT INTO moose.cost_tracking (owner, token, number, entry, amount_u, bucket_ids, created_at)
            SELECT m.id, 1, 0, 'settled', p_cost, v_buckets, m.at FROM made m;

            UPDATE moose.budget_buckets SET posted_u = posted_u + (p_last - p_first + 1) * p_cost
            WHERE id = ANY (v_buckets);
        END $$;
        """
}
