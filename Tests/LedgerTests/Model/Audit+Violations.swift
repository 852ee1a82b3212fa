import Postgres

extension Audit {
    /// What must be true of any ledger, whatever happened to it: asked of the tables, without the model and without
    /// the ledger's own functions, and then of the reconciliation.
    func violations() async throws -> [String] {
        let result = try await run(
            """
            WITH open AS (
                SELECT b.id, sum(h.estimate_u) AS amount FROM moose.budget_holds h, unnest(h.bucket_ids) AS b (id)
                WHERE h.state IN ('held', 'dispatched') GROUP BY b.id
            ), ledger AS (
                SELECT b.id, sum(c.amount_u) AS amount FROM moose.cost_tracking c, unnest(c.bucket_ids) AS b (id)
                GROUP BY b.id
            ), hold AS (
                SELECT h.*, coalesce(sum(c.amount_u), 0) AS posted, count(c.owner) AS entries,
                       coalesce(bool_and(c.bucket_ids = h.bucket_ids), true) AS same_buckets
                FROM moose.budget_holds h
                LEFT JOIN moose.cost_tracking c ON (c.owner, c.token, c.number) = (h.owner, h.token, h.number)
                GROUP BY h.owner, h.token, h.number
            )
            SELECT 'bucket ' || b.id || ' holds ' || b.held_u || ', its open holds are ' || coalesce(o.amount, 0)
            FROM moose.budget_buckets b LEFT JOIN open o USING (id) WHERE b.held_u <> coalesce(o.amount, 0)
            UNION ALL
            SELECT 'bucket ' || b.id || ' posted ' || b.posted_u || ', its ledger is ' || coalesce(l.amount, 0)
            FROM moose.budget_buckets b LEFT JOIN ledger l USING (id) WHERE b.posted_u <> coalesce(l.amount, 0)
            UNION ALL
            SELECT 'bucket ' || b.id || ' is below zero' FROM moose.budget_buckets b
            WHERE b.held_u < 0 OR b.posted_u < 0
            UNION ALL
            SELECT 'hold ' || h.owner || ' is ' || h.state || ' with ' || h.posted || ' posted'
            FROM hold h
            WHERE h.posted <> CASE h.state WHEN 'settled' THEN h.actual_u
                                           WHEN 'presumed_spent' THEN h.estimate_u ELSE 0 END
               OR (h.state IN ('held', 'dispatched')) <> (h.closed_at IS NULL)
               OR h.state IN ('held', 'dispatched') AND h.entries > 0
               OR NOT h.same_buckets
            UNION ALL
            SELECT 'hold ' || h.owner || ' of ' || h.estimate_u || ' was granted under a cap of ' || c.cap
            FROM moose.budget_holds h, unnest(h.caps_u) AS c (cap) WHERE h.estimate_u > c.cap
            UNION ALL
            SELECT 'hold ' || h.owner || ' counts against ' || h.bucket_ids::text FROM moose.budget_holds h
            WHERE h.bucket_ids <> ARRAY(SELECT DISTINCT b FROM unnest(h.bucket_ids) AS b ORDER BY b)
               OR cardinality(h.bucket_ids) <> cardinality(h.caps_u)
            UNION ALL
            SELECT 'reconcile() reports bucket ' || r.bucket_id FROM moose.reconcile() r
            UNION ALL
            SELECT 'reconcile(true) reports bucket ' || r.bucket_id FROM moose.reconcile(true) r
            """)
        return try result.rows.map { row in try row.decode(0) }
    }
}
