-- Recomputes buckets from their holds and their ledger. No row: no difference. p_current: only the day and month
-- windows of now, found through the indexes of live holds and recent entries, so that age costs nothing.
CREATE OR REPLACE FUNCTION moose.reconcile(p_current boolean DEFAULT false)
RETURNS TABLE (bucket_id bigint, scope text, name text, period text, window_start timestamptz,
               held_u bigint, held_expected_u bigint, posted_u bigint, posted_expected_u bigint)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    v_since timestamptz;
BEGIN
    IF p_current THEN
        SELECT min(b.window_start) INTO v_since FROM moose.budget_buckets b
        WHERE now() >= b.window_start AND now() < b.window_end AND b.window_start > '-infinity';
        RETURN QUERY
            WITH open AS (
                SELECT h.owner, h.token, h.number, h.estimate_u, h.bucket_ids FROM moose.leases l
                JOIN moose.budget_holds h ON h.owner = l.id AND h.token = l.token
                WHERE h.state IN ('held', 'dispatched')
                UNION
                SELECT h.owner, h.token, h.number, h.estimate_u, h.bucket_ids FROM moose.budget_holds h
                WHERE h.expires_at IS NOT NULL AND h.state IN ('held', 'dispatched')
            ), held AS (
                SELECT x.id, sum(o.estimate_u)::bigint AS amount FROM open o, unnest(o.bucket_ids) AS x (id) GROUP BY 1
            ), posted AS (
                SELECT x.id, sum(c.amount)::bigint AS amount
                FROM (SELECT t.bucket_ids, sum(t.amount_u) AS amount FROM moose.cost_tracking t
                      WHERE t.created_at >= v_since GROUP BY 1) c, unnest(c.bucket_ids) AS x (id) GROUP BY 1
            )
            SELECT * FROM moose.bucket_differences(
                (SELECT array_agg(h.id) FROM held h), (SELECT array_agg(h.amount) FROM held h),
                (SELECT array_agg(p.id) FROM posted p), (SELECT array_agg(p.amount) FROM posted p)) d
            WHERE d.window_start >= v_since;
    ELSE
        RETURN QUERY
            WITH held AS (
                SELECT x.id, sum(h.estimate_u)::bigint AS amount
                FROM moose.budget_holds h, unnest(h.bucket_ids) AS x (id)
                WHERE h.state IN ('held', 'dispatched') GROUP BY 1
            ), posted AS (
                SELECT x.id, sum(c.amount)::bigint AS amount
                FROM (SELECT t.bucket_ids, sum(t.amount_u) AS amount FROM moose.cost_tracking t GROUP BY 1) c,
                     unnest(c.bucket_ids) AS x (id) GROUP BY 1
            )
            SELECT * FROM moose.bucket_differences(
                (SELECT array_agg(h.id) FROM held h), (SELECT array_agg(h.amount) FROM held h),
                (SELECT array_agg(p.id) FROM posted p), (SELECT array_agg(p.amount) FROM posted p));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION moose.bucket_differences(
    p_held_ids bigint[], p_held bigint[], p_posted_ids bigint[], p_posted bigint[]
) RETURNS TABLE (bucket_id bigint, scope text, name text, period text, window_start timestamptz,
               held_u bigint, held_expected_u bigint, posted_u bigint, posted_expected_u bigint)
LANGUAGE sql STABLE AS $$
    SELECT b.id, p.scope, p.name, p.period, b.window_start,
           b.held_u, coalesce(h.amount, 0), b.posted_u, coalesce(c.amount, 0)
    FROM moose.budget_buckets b
    LEFT JOIN moose.budget_policies p ON p.id = b.policy_id
    LEFT JOIN unnest(p_held_ids, p_held) AS h (id, amount) ON h.id = b.id
    LEFT JOIN unnest(p_posted_ids, p_posted) AS c (id, amount) ON c.id = b.id
    WHERE b.held_u <> coalesce(h.amount, 0) OR b.posted_u <> coalesce(c.amount, 0)
$$;
