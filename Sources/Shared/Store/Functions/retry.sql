-- Has orders that failed, or that a person must look at, run again, with a new series of attempts; the fencing token
-- goes on. They become pending, or blocked while something they depend on isn't completed. Other states
-- stay as they are, and so does an order whose unique key another holds: held_by.
CREATE OR REPLACE FUNCTION moose.retry_work_orders(p_ids uuid[], p_who text, p_reason text)
RETURNS TABLE (id uuid, before text, after text, held_by uuid) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_indexonlyscan = off AS $$
#variable_conflict use_column
DECLARE
    v_failed uuid[]; v_blocked uuid[];
    h_id uuid[]; h_holder uuid[];
    x_id uuid[]; x_state text[]; x_error text[];
BEGIN
    PERFORM 1 FROM moose.work_orders w WHERE w.id = ANY (p_ids) ORDER BY w.id FOR NO KEY UPDATE;
    SELECT array_agg(w.id), array_agg(w.state), array_agg(w.error),
           coalesce(array_agg(w.id) FILTER (WHERE w.state IN ('failed', 'needs_review')), '{}')
    INTO x_id, x_state, x_error, v_failed
    FROM moose.work_orders w WHERE w.id = ANY (p_ids);
    SELECT array_agg(h.id), array_agg(h.holder) INTO h_id, h_holder FROM moose.hold_unique_keys_again(v_failed) h;
    v_failed := ARRAY(SELECT f FROM unnest(v_failed) AS f WHERE f = ANY (h_id) IS NOT TRUE);
    v_blocked := ARRAY(
        SELECT DISTINCT d.work_order_id FROM moose.work_order_dependencies d
        LEFT JOIN moose.work_orders w ON w.id = ANY (ARRAY[d.depends_on])
        WHERE d.work_order_id = ANY (v_failed) AND w.state IS DISTINCT FROM 'completed');

    UPDATE moose.work_orders w
    SET state = CASE WHEN w.id = ANY (v_blocked) THEN 'blocked' ELSE 'pending' END, run_at = now(), attempt = 0,
        worker_losses = 0, unknown_since = NULL, finished_at = NULL, error = NULL, failure_class = NULL,
        cancel_requested_at = NULL, cancel_who = NULL, cancel_reason = NULL
    WHERE w.id = ANY (v_failed);
    PERFORM pg_notify('moose_line', '');
    INSERT INTO moose.audit_log (who, action, subject, before, after, reason)
    SELECT p_who, 'work order retry', 'work order ' || x.id, jsonb_build_object('state', x.state, 'error', x.error),
           jsonb_build_object('state', CASE WHEN x.id = ANY (v_blocked) THEN 'blocked' ELSE 'pending' END), p_reason
    FROM unnest(x_id, x_state, x_error) AS x (id, state, error) WHERE x.id = ANY (v_failed);

    RETURN QUERY
        SELECT i, coalesce(x.state, f.state, 'unknown'),
               CASE WHEN i = ANY (v_blocked) THEN 'blocked' WHEN i = ANY (v_failed) THEN 'pending'
                    ELSE coalesce(x.state, f.state, 'unknown') END, h_holder[array_position(h_id, i)]
        FROM (SELECT DISTINCT i FROM unnest(p_ids) AS i) p (i)
        LEFT JOIN unnest(x_id, x_state) AS x (id, state) ON x.id = i
        LEFT JOIN (SELECT g.id, 'pruned' AS state FROM moose.find_pruned(p_ids) g) f ON f.id = i ORDER BY 1;
END $$;
