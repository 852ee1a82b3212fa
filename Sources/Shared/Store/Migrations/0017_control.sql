-- What a person does to work and workers. Rows are the truth; the channel moose_control only says: look at them now.

-- Called where an operator acts, never by claims and finishes: NOTIFY makes commits wait for each other.
CREATE FUNCTION moose.control_notify(p_kind text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_notify('moose_control', p_kind)
$$;

-- Cancels work orders, each once; who and why are audited. Before and after, for each different id:
--
-- before                                                          after
-- scheduled, pending, retrying, awaiting_budget, blocked,         cancelled, its doorbell gone
-- needs_review
-- in_progress                                                     cancel_requested: its worker stops it, or the rescue
--                                                                 of its lease; a result that comes first wins
-- unknown (its message may still be queued)                       cancelled; the message will be a duplicate
-- completed, failed, cancelled                                    the same
-- pruned                                                          pruned
CREATE FUNCTION moose.cancel_work_orders(p_ids uuid[], p_who text, p_reason text)
RETURNS TABLE (id uuid, before text, after text) LANGUAGE plpgsql AS $$
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
        WHERE NOT EXISTS (SELECT 1 FROM moose.work_orders w WHERE w.id = i)
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
    DELETE FROM moose.outbox o WHERE o.doorbell_for = ANY (v_waiting);
    UPDATE moose.work_orders w SET cancel_requested_at = now(), cancel_who = p_who, cancel_reason = p_reason
    WHERE w.id = ANY (v_running);
    -- Also of one that was asked for before: its worker hears of it again.
    UPDATE moose.leases l SET to_stop = true
    WHERE l.id IN (SELECT x.id FROM unnest(x_id, x_state) AS x (id, state) WHERE x.state = 'in_progress');

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
CREATE FUNCTION moose.end_cancelled(p_ids uuid[], p_tokens bigint[]) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_ids uuid[]; v_tokens bigint[];
BEGIN
    WITH lost AS (
        SELECT w.id, l.worker
        FROM unnest(p_ids, p_tokens) AS i (id, token)
        JOIN moose.work_orders w ON w.id = i.id AND w.fencing_token = i.token
        JOIN moose.leases l ON l.id = w.id AND l.token = w.fencing_token
        WHERE w.state = 'in_progress' AND w.cancel_requested_at IS NOT NULL AND l.expires_at < now()
        ORDER BY w.id FOR NO KEY UPDATE OF w, l SKIP LOCKED
    ), ended AS (
        UPDATE moose.work_orders w
        SET state = 'cancelled', error = format('cancelled by %s: %s', w.cancel_who, w.cancel_reason), failure_class = NULL,
            finished_at = now()
        FROM lost l WHERE w.id = l.id
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
CREATE FUNCTION moose.cancel_requests(p_worker uuid) RETURNS TABLE (id uuid, token bigint, who text, reason text)
LANGUAGE sql STABLE AS $$
    SELECT w.id, w.fencing_token, w.cancel_who, w.cancel_reason
    FROM moose.leases l JOIN moose.work_orders w ON w.id = l.id
    WHERE l.worker = p_worker AND l.to_stop AND w.cancel_requested_at IS NOT NULL
$$;

-- Has orders that failed, or that a person must look at, run again, with a new series of attempts; the fencing token
-- goes on. They become pending and are rung, or blocked while something they depend on isn't completed. Other states stay as they are,
-- and so does an order whose unique key another holds: held_by.
CREATE FUNCTION moose.retry_work_orders(p_ids uuid[], p_who text, p_reason text)
RETURNS TABLE (id uuid, before text, after text, held_by uuid) LANGUAGE plpgsql AS $$
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
        LEFT JOIN moose.work_orders w ON w.id = d.depends_on
        WHERE d.work_order_id = ANY (v_failed) AND w.state IS DISTINCT FROM 'completed');

    UPDATE moose.work_orders w
    SET state = CASE WHEN w.id = ANY (v_blocked) THEN 'blocked' ELSE 'pending' END, run_at = now(), attempt = 0,
        worker_losses = 0, unknown_since = NULL, finished_at = NULL, error = NULL, failure_class = NULL,
        cancel_requested_at = NULL, cancel_who = NULL, cancel_reason = NULL
    WHERE w.id = ANY (v_failed);
    PERFORM moose.ring(array_agg(w.id), array_agg(w.lane), array_agg(w.run_at))
    FROM moose.work_orders w WHERE w.id = ANY (v_failed) AND w.state = 'pending';
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

-- What workers were told and do until they end. A lane without a row has the slots it was started with.
CREATE TABLE moose.worker_commands (
    worker  uuid NOT NULL REFERENCES moose.workers (id) ON DELETE CASCADE,
    command text NOT NULL CHECK (command IN ('drain', 'resize')),
    lane    text NOT NULL DEFAULT '' CHECK (octet_length(lane) <= 63),
    slots   integer CHECK (slots BETWEEN 1 AND 10000),
    who     text NOT NULL,
    reason  text,
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (worker, command, lane),
    CHECK ((command = 'resize') = (slots IS NOT NULL) AND (command = 'resize') = (lane <> ''))
);

-- Tells workers to stop taking work, end what runs, and exit. Returns those it told; one that stopped, or was told
-- before, isn't told again.
CREATE FUNCTION moose.drain_workers(p_workers uuid[], p_who text, p_reason text) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    v_told uuid[];
BEGIN
    WITH told AS (
        INSERT INTO moose.worker_commands (worker, command, who, reason)
        SELECT w.id, 'drain', p_who, p_reason FROM moose.workers w
        WHERE w.id = ANY (p_workers) AND w.stopped_at IS NULL
        ORDER BY w.id
        ON CONFLICT DO NOTHING
        RETURNING worker
    )
    SELECT coalesce(array_agg(t.worker ORDER BY t.worker), '{}') INTO v_told FROM told t;
    INSERT INTO moose.audit_log (who, action, subject, after, reason)
    SELECT p_who, 'worker drain', 'worker ' || t, jsonb_build_object('draining', true), p_reason
    FROM unnest(v_told) AS t;
    IF cardinality(v_told) > 0 THEN PERFORM moose.control_notify('workers'); END IF;
    RETURN v_told;
END $$;

-- Gives a lane of workers another number of slots, while they run. Returns those it told: those that work the lane.
CREATE FUNCTION moose.resize_workers(p_workers uuid[], p_lane text, p_slots integer, p_who text, p_reason text)
RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    v_told uuid[] := ARRAY(
        SELECT w.id FROM moose.workers w
        WHERE w.id = ANY (p_workers) AND w.stopped_at IS NULL AND p_lane = ANY (w.lanes) ORDER BY w.id);
BEGIN
    INSERT INTO moose.audit_log (who, action, subject, before, after, reason)
    SELECT p_who, 'worker resize', 'worker ' || t,
           CASE WHEN c.slots IS NOT NULL THEN jsonb_build_object('lane', p_lane, 'slots', c.slots) END,
           jsonb_build_object('lane', p_lane, 'slots', p_slots), p_reason
    FROM unnest(v_told) AS t
    LEFT JOIN moose.worker_commands c ON c.worker = t AND c.command = 'resize' AND c.lane = p_lane;
    INSERT INTO moose.worker_commands (worker, command, lane, slots, who, reason)
    SELECT t, 'resize', p_lane, p_slots, p_who, p_reason FROM unnest(v_told) AS t
    ON CONFLICT (worker, command, lane) DO UPDATE
    SET slots = excluded.slots, who = excluded.who, reason = excluded.reason, at = now();
    IF cardinality(v_told) > 0 THEN PERFORM moose.control_notify('workers'); END IF;
    RETURN v_told;
END $$;

-- At most so many of the orders that have not ended, and whose cancel nobody asked for yet; a NULL lets everything pass. In no
-- order: whoever asks cancels them, and asks again. p_before: those that came since are left alone.
CREATE FUNCTION moose.cancellable(
    p_state text, p_kind text, p_lane text, p_project text, p_agent text,
    p_before timestamptz DEFAULT NULL, p_limit bigint DEFAULT NULL
) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT w.id
    FROM (SELECT x.id FROM moose.waiting x
          WHERE (p_state IS NULL OR x.state = p_state) AND (p_lane IS NULL OR x.lane = p_lane)
          UNION ALL
          SELECT l.id FROM moose.leases l
          UNION ALL
          SELECT x.id FROM moose.wrong x WHERE x.state = 'needs_review') live
    JOIN moose.work_orders w ON w.id = live.id
    WHERE w.cancel_requested_at IS NULL
      AND (p_state IS NULL OR w.state = p_state) AND (p_kind IS NULL OR w.kind = p_kind)
      AND (p_lane IS NULL OR w.lane = p_lane) AND (p_project IS NULL OR w.project = p_project)
      AND (p_agent IS NULL OR w.agent = p_agent) AND (p_before IS NULL OR w.created_at <= p_before)
    LIMIT p_limit
$$;
