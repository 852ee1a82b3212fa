-- Takes letters of messages for a redrive, for so long; other redrivers pass them by meanwhile. Each time under a new
-- number, so that a message that comes back is told from a copy of an earlier redrive.
-- p_orders: also those that stand for orders, to publish an edited body as a new order.
CREATE OR REPLACE FUNCTION moose.lease_letters(p_lease uuid, p_ids uuid[], p_for interval, p_orders boolean)
RETURNS TABLE (id uuid, number integer, reason text, exchange text, routing_key text, body bytea, headers json,
               properties bytea, cut_size bigint, key uuid)
LANGUAGE sql SET enable_seqscan = off AS $$
    UPDATE moose.dead_letters d
    SET lease = p_lease, leased_until = now() + p_for, redrive_number = d.redrive_number + 1
    FROM (SELECT x.id FROM moose.dead_letters x
          WHERE x.id = ANY (p_ids) AND x.state = 'dead' AND (p_orders OR NOT x.is_order)
            AND (x.leased_until IS NULL OR x.leased_until < now())
          ORDER BY x.id FOR NO KEY UPDATE SKIP LOCKED) mine
    WHERE d.id = ANY (ARRAY[mine.id])
    RETURNING d.id, d.redrive_number, d.reason, coalesce(d.exchange, ''), coalesce(d.routing_key, ''),
              d.body, d.headers,
              d.properties, d.cut_size, moose.redrive_key(d.id, d.redrive_number)
$$;

-- After the confirm: what is still leased under this lease is redriven. What came back meanwhile stays dead, and only
-- its history tells. Returns how many are redriven.
CREATE OR REPLACE FUNCTION moose.mark_redriven(p_lease uuid, p_ids uuid[], p_details text[], p_who text, p_why text)
RETURNS integer LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    v_count integer;
BEGIN
    PERFORM 1 FROM moose.dead_letters d WHERE d.id = ANY (p_ids) ORDER BY d.id FOR NO KEY UPDATE;
    WITH marked AS (
        UPDATE moose.dead_letters d
        SET state = CASE WHEN d.came_back = d.redrive_number THEN 'dead' ELSE 'redriven' END, lease = NULL,
            leased_until = NULL
        WHERE d.id = ANY (p_ids) AND d.lease = p_lease AND d.state = 'dead' RETURNING d.id, d.state
    ), noted AS (
        INSERT INTO moose.dead_letter_history (letter_id, action, who, detail, why)
        SELECT m.id, 'redriven', p_who, i.detail, p_why
        FROM marked m JOIN unnest(p_ids, p_details) AS i (id, detail) ON i.id = m.id
    )
    SELECT count(*) FILTER (WHERE m.state = 'redriven') INTO v_count FROM marked m;
    RETURN v_count;
END $$;

-- Gives back what was not published.
CREATE OR REPLACE FUNCTION moose.release_letters(p_lease uuid, p_ids uuid[]) RETURNS void LANGUAGE sql AS $$
    UPDATE moose.dead_letters d SET lease = NULL, leased_until = NULL WHERE d.id = ANY (p_ids) AND d.lease = p_lease
$$;

-- Redrives letters that stand for failed orders: each goes back to pending, with a fresh series of attempts, and its
-- letter closes in the same commit. With an open dependency it is blocked, as when it was new. One whose unique key
-- another holds stays as it is. Returns how many.
CREATE OR REPLACE FUNCTION moose.redrive_orders(p_letters uuid[], p_who text, p_why text) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    v_orders uuid[];
    v_count integer;
BEGIN
    PERFORM moose.act_as(p_who, p_why);
    v_orders := ARRAY(
        SELECT w.id FROM moose.work_orders w
        WHERE w.state = 'failed' AND w.id = ANY (ARRAY(
            SELECT d.work_order_id FROM moose.dead_letters d
            WHERE d.id = ANY (p_letters) AND d.is_order AND d.state = 'dead'))
        ORDER BY w.id FOR NO KEY UPDATE);
    -- One that was purged meanwhile stays as it is.
    v_orders := ARRAY(
        SELECT d.work_order_id FROM moose.dead_letters d
        WHERE d.id = ANY (ARRAY(SELECT x.id FROM moose.dead_letters x WHERE x.work_order_id = ANY (v_orders)))
          AND d.is_order AND d.state = 'dead'
        ORDER BY d.id FOR NO KEY UPDATE);
    v_orders := ARRAY(SELECT o FROM unnest(v_orders) AS o
                      EXCEPT SELECT h.id FROM moose.hold_unique_keys_again(v_orders) h);
    WITH again AS (
        UPDATE moose.work_orders w
        SET state = CASE WHEN EXISTS (
                SELECT 1 FROM moose.work_order_dependencies d
                LEFT JOIN moose.work_orders o ON o.id = ANY (ARRAY[d.depends_on])
                WHERE d.work_order_id = ANY (ARRAY[w.id]) AND o.state IS DISTINCT FROM 'completed')
                THEN 'blocked' ELSE 'pending' END,
            attempt = 0, worker_losses = 0, unknown_since = NULL, run_at = now(), finished_at = NULL, error = NULL,
            failure_class = NULL, cancel_requested_at = NULL, cancel_who = NULL, cancel_reason = NULL
        WHERE w.id = ANY (v_orders)
        RETURNING w.id
    )
    SELECT count(*) INTO v_count FROM again;
    PERFORM pg_notify('moose_line', '');
    RETURN v_count;
END $$;
