-- Cancels work orders, each once; who and why are audited. Before and after, for each different id:
--
-- before                                                          after
-- scheduled, pending, retrying, awaiting_budget, blocked,         cancelled
-- needs_review
-- in_progress                                                     cancel_requested: its worker stops it, or the rescue
--                                                                 of its lease; a result that comes first wins
-- unknown (its message may still be queued)                       cancelled; the message will be a duplicate
-- completed, failed, cancelled                                    the same
-- pruned                                                          pruned
CREATE OR REPLACE FUNCTION moose.cancel_work_orders(p_ids uuid[], p_who text, p_reason text)
RETURNS TABLE (id uuid, before text, after text) LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_ids uuid[] := ARRAY(SELECT DISTINCT i FROM unnest(p_ids) AS i WHERE i IS NOT NULL ORDER BY i);
    v_error text := format('cancelled by %s: %s', p_who, p_reason);
    v_new uuid[]; v_waiting uuid[]; v_running uuid[];
    x_id uuid[]; x_state text[];
BEGIN
    WITH made AS (
        INSERT INTO moose.work_orders (id, state, kind, lane, title, run_at, body, digest, error, finished_at)
        SELECT i, 'cancelled', 'unknown', 'unknown', 'cancelled before its message came', now(), '', '', v_error, now()
        FROM unnest(v_ids) AS i
        WHERE NOT EXISTS (SELECT 1 FROM moose.work_orders w WHERE w.id = ANY (ARRAY[i]))
          AND NOT EXISTS (SELECT 1 FROM moose.find_pruned(v_ids) f WHERE f.id = i)
        ORDER BY i
        ON CONFLICT (id) DO NOTHING
        RETURNING id
    )
    SELECT coalesce(array_agg(m.id), '{}') INTO v_new FROM made m;

    SELECT array_agg(w.id), array_agg(w.state),
           coalesce(array_agg(w.id) FILTER (WHERE w.state IN (
               'scheduled', 'pending', 'retrying', 'awaiting_budget', 'blocked', 'needs_review')), '{}'),
           coalesce(array_agg(w.id) FILTER (WHERE w.state = 'in_progress' AND w.cancel_requested_at IS NULL), '{}')
    INTO x_id, x_state, v_waiting, v_running
    FROM (SELECT o.id, o.state, o.cancel_requested_at FROM moose.work_orders o
          WHERE o.id = ANY (v_ids) ORDER BY o.id FOR NO KEY UPDATE) w;

    UPDATE moose.work_orders w
    SET state = 'cancelled', error = v_error, failure_class = NULL, finished_at = now()
    WHERE w.id = ANY (v_waiting);
    UPDATE moose.work_orders w SET cancel_requested_at = now(), cancel_who = p_who, cancel_reason = p_reason
    WHERE w.id = ANY (v_running);
    -- Also of one that was asked for before: its worker hears of it again.
    UPDATE moose.leases l SET to_stop = true
    WHERE l.id = ANY (ARRAY(SELECT x.id FROM unnest(x_id, x_state) AS x (id, state) WHERE x.state = 'in_progress'));

    INSERT INTO moose.audit_log (who, action, subject, before, after, reason)
    SELECT p_who, 'work order cancel', 'work order ' || x.id,
           CASE WHEN NOT x.id = ANY (v_new) THEN jsonb_build_object('state', x.state) END,
           CASE WHEN x.id = ANY (v_running) THEN jsonb_build_object('state', x.state, 'cancel_requested', true)
                ELSE jsonb_build_object('state', 'cancelled') END, p_reason
    FROM unnest(x_id, x_state) AS x (id, state)
    WHERE x.id = ANY (v_new || v_waiting || v_running);

    PERFORM moose.reply(v_waiting);
    IF cardinality(v_running) > 0 THEN PERFORM moose.control_notify('cancel'); END IF;

    RETURN QUERY
        SELECT x.id, CASE WHEN x.id = ANY (v_new) THEN 'unknown' ELSE x.state END,
               CASE WHEN x.id = ANY (v_waiting) THEN 'cancelled' WHEN x.state = 'in_progress' THEN 'cancel_requested'
                    ELSE x.state END
        FROM unnest(x_id, x_state) AS x (id, state)
        UNION ALL
        SELECT f.id, 'pruned', 'pruned' FROM moose.find_pruned(v_ids) f WHERE f.id = ANY (x_id) IS NOT TRUE
        ORDER BY 1;
END $$;

-- Ends orders that were to be cancelled and whose worker is gone. What the attempt cost is unknown, so its hold is
-- presumed spent until a late report corrects it. Returns how many; part of moose.rescue_leases.
CREATE OR REPLACE FUNCTION moose.end_cancelled(p_ids uuid[], p_tokens bigint[]) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_ids uuid[]; v_tokens bigint[];
BEGIN
    WITH lost AS (
        SELECT w.id, l.worker
        FROM unnest(p_ids, p_tokens) AS i (id, token)
        JOIN moose.work_orders w ON w.id = ANY (ARRAY[i.id]) AND w.fencing_token = i.token
        JOIN moose.leases l ON l.id = ANY (ARRAY[w.id]) AND l.token = w.fencing_token
        WHERE w.state = 'in_progress' AND w.cancel_requested_at IS NOT NULL AND l.expires_at < now()
        ORDER BY i.id FOR NO KEY UPDATE OF w, l SKIP LOCKED
    ), ended AS (
        UPDATE moose.work_orders w
        SET state = 'cancelled', error = format('cancelled by %s: %s', w.cancel_who, w.cancel_reason),
            failure_class = NULL,
            finished_at = now()
        FROM lost l WHERE w.id = ANY (ARRAY[l.id])
        RETURNING w.id, w.fencing_token, w.attempt, w.kind, w.started_at, l.worker
    ), vectors AS (
        INSERT INTO moose.outcome_vectors (work_order_id, fencing_token, attempt, outcome, success, handler, worker,
                                           failure_class, error, started_at)
        SELECT e.id, e.fencing_token, e.attempt, 'cancelled', false, e.kind, e.worker, 'worker_lost',
               'the worker that ran it was lost', e.started_at
        FROM ended e ON CONFLICT DO NOTHING
    )
    SELECT array_agg(e.id), array_agg(e.fencing_token) INTO v_ids, v_tokens FROM ended e;
    IF v_ids IS NULL THEN RETURN 0; END IF;
    PERFORM moose.reply(v_ids);
    PERFORM moose.close_holds(v_ids, v_tokens, NULL, NULL, array_fill(true, ARRAY[cardinality(v_ids)]));
    RETURN cardinality(v_ids);
END $$;

-- What a worker has to stop: orders it holds whose cancel was asked for.
CREATE OR REPLACE FUNCTION moose.cancel_requests(p_worker uuid)
RETURNS TABLE (id uuid, token bigint, who text, reason text)
LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT w.id, w.fencing_token, w.cancel_who, w.cancel_reason
    FROM moose.leases l JOIN moose.work_orders w ON w.id = ANY (ARRAY[l.id])
    WHERE l.worker = p_worker AND l.to_stop AND w.cancel_requested_at IS NOT NULL
$$;

-- At most so many of the orders that have not ended, and whose cancel nobody asked for yet; a NULL lets everything
-- pass. In no order: whoever asks cancels them, and asks again. p_before: those that came since are left alone.
CREATE OR REPLACE FUNCTION moose.cancellable(
    p_state text, p_kind text, p_lane text, p_project text, p_agent text,
    p_before timestamptz DEFAULT NULL, p_limit bigint DEFAULT NULL
) RETURNS SETOF uuid LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT w.id
    FROM (SELECT x.id FROM moose.waiting x
          WHERE (p_state IS NULL OR x.state = p_state) AND (p_lane IS NULL OR x.lane = p_lane)
          UNION ALL
          SELECT l.id FROM moose.leases l
          UNION ALL
          SELECT x.id FROM moose.wrong x WHERE x.state = 'needs_review') live
    JOIN moose.work_orders w ON w.id = ANY (ARRAY[live.id])
    WHERE w.cancel_requested_at IS NULL
      AND (p_state IS NULL OR w.state = p_state) AND (p_kind IS NULL OR w.kind = p_kind)
      AND (p_lane IS NULL OR w.lane = p_lane) AND (p_project IS NULL OR w.project = p_project)
      AND (p_agent IS NULL OR w.agent = p_agent) AND (p_before IS NULL OR w.created_at <= p_before)
    LIMIT p_limit
$$;
