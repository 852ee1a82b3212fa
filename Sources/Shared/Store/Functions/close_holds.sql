-- Closes holds, each once: asking again changes nothing. actual: the real cost, NULL where nobody knows it. started:
-- whether it ever ran. Without a number, all holds of (owner, token) are closed and actual is that of number 0.
--
-- state before      real cost known   started, unknown   never started   (p_expire)
-- held              settled           cancelled          cancelled       expired
-- dispatched        settled           presumed_spent     cancelled       presumed_spent
-- presumed_spent    settled, late     -                  settled at 0    -
-- cancelled,expired settled, late (*)  -                  -               -
-- (*) unless it is 0: then nothing changes.
--
-- A settlement posts to the window the hold was taken in. Returns what changed: the item that asked for it, and the
-- state since.
CREATE OR REPLACE FUNCTION moose.close_holds(
    p_owners uuid[], p_tokens bigint[], p_numbers smallint[], p_actuals bigint[], p_started boolean[],
    p_expire boolean DEFAULT false,
    OUT items integer[], OUT states text[]
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_bucket bigint[]; v_held bigint[]; v_posted bigint[];
    o_owner uuid[]; o_token bigint[]; o_number smallint[]; o_estimate bigint[]; o_actual bigint[];
BEGIN
    WITH closed AS (
        UPDATE moose.budget_holds h
        SET state = CASE WHEN i.actual IS NOT NULL AND h.number = coalesce(i.number, 0) THEN 'settled'
                         WHEN h.state = 'presumed_spent' THEN 'settled'
                         WHEN h.state = 'dispatched' AND i.started THEN 'presumed_spent'
                         WHEN p_expire THEN 'expired' ELSE 'cancelled' END,
            late = h.state NOT IN ('held', 'dispatched'),
            actual_u = CASE WHEN h.number = coalesce(i.number, 0) AND i.actual IS NOT NULL THEN i.actual
                            WHEN NOT i.started OR h.state = 'held' THEN 0 END,
            expires_at = NULL,
            closed_at = now()
        FROM unnest(p_owners, p_tokens, p_numbers, p_actuals, p_started)
             WITH ORDINALITY AS i (owner, token, number, actual, started, n)
        WHERE h.owner = ANY (ARRAY[i.owner]) AND h.token = i.token AND (i.number IS NULL OR h.number = i.number)
          AND (h.state IN ('held', 'dispatched')
               OR h.number = coalesce(i.number, 0)
                  AND (h.state = 'presumed_spent' AND (i.actual IS NOT NULL OR NOT i.started)
                       OR h.state IN ('cancelled', 'expired') AND i.actual > 0))
        RETURNING i.n, h.owner, h.token, h.number, h.state, h.late, h.estimate_u, h.actual_u, h.bucket_ids,
                  -- What the ledger holds of it already: only a late close follows an earlier posting.
                  CASE WHEN h.late AND EXISTS (
                      SELECT 1 FROM moose.cost_tracking c
                      WHERE c.owner = ANY (ARRAY[h.owner]) AND c.token = ANY (ARRAY[h.token])
                        AND c.number = ANY (ARRAY[h.number]) AND c.entry = 'presumed')
                  THEN h.estimate_u ELSE 0 END AS posted_before
    ), moved AS (
        SELECT c.*,
               CASE WHEN c.late THEN 0 ELSE -c.estimate_u END AS held,
               CASE WHEN c.state = 'presumed_spent' THEN c.estimate_u ELSE c.actual_u - c.posted_before END AS posted
        FROM closed c
    ), entries AS (
        INSERT INTO moose.cost_tracking (owner, token, number, entry, amount_u, bucket_ids)
        SELECT m.owner, m.token, m.number,
               CASE WHEN m.late THEN 'late' WHEN m.state = 'presumed_spent' THEN 'presumed' ELSE 'settled' END,
               m.posted, m.bucket_ids
        FROM moved m WHERE m.posted <> 0
    ), sums AS (
        SELECT b.id, sum(p.held)::bigint AS held, sum(p.posted)::bigint AS posted
        FROM (SELECT m.bucket_ids, sum(m.held) AS held, sum(m.posted) AS posted FROM moved m GROUP BY 1) p,
             unnest(p.bucket_ids) AS b (id)
        GROUP BY b.id
    ), over AS (
        SELECT array_agg(m.owner) AS owners, array_agg(m.token) AS tokens, array_agg(m.number) AS numbers,
               array_agg(m.estimate_u) AS estimates, array_agg(m.actual_u) AS actuals
        FROM moved m WHERE m.actual_u > m.estimate_u
    )
    SELECT (SELECT array_agg(s.id ORDER BY s.id) FROM sums s), (SELECT array_agg(s.held ORDER BY s.id) FROM sums s),
           (SELECT array_agg(s.posted ORDER BY s.id) FROM sums s),
           (SELECT array_agg(m.n::integer) FROM moved m), (SELECT array_agg(m.state) FROM moved m),
           o.owners, o.tokens, o.numbers, o.estimates, o.actuals
    INTO v_bucket, v_held, v_posted, items, states, o_owner, o_token, o_number, o_estimate, o_actual
    FROM over o;

    -- The hot rows come last, so that their locks last no longer than this and the commit.
    PERFORM 1 FROM moose.budget_buckets b WHERE b.id = ANY (v_bucket) ORDER BY b.id FOR NO KEY UPDATE;
    UPDATE moose.budget_buckets b SET held_u = b.held_u + s.held, posted_u = b.posted_u + s.posted
    FROM unnest(v_bucket, v_held, v_posted) AS s (id, held, posted)
    WHERE b.id = ANY (ARRAY[s.id]) AND (s.held <> 0 OR s.posted <> 0);

    IF o_owner IS NOT NULL THEN
        PERFORM moose.report_marks(v_bucket);
        PERFORM moose.report(
            moose.event_id(o.owner::text, o.token, 'overrun ' || o.number), 'worker', 'settle', 'warning',
            format('the real cost of $%s is above the hold of $%s', moose.dollars(o.actual), moose.dollars(o.estimate)),
            w.id, 'budget_exceeded',
            jsonb_build_object('reason', 'overrun', 'handler', h.handler))
        FROM unnest(o_owner, o_token, o_number, o_estimate, o_actual) AS o (owner, token, number, estimate, actual)
        JOIN moose.budget_holds h ON h.owner = ANY (ARRAY[o.owner]) AND h.token = o.token AND h.number = o.number
        LEFT JOIN moose.work_orders w ON w.id = ANY (ARRAY[o.owner]);
    END IF;
END $$;
