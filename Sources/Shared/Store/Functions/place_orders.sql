-- Gives orders that wait another place: another lane, another priority, another time; NULL leaves it as it is. Each
-- changed one is audited. Before and after: its state; an id that was never seen is unknown.
-- Whatever does not wait, or waits for money and is to have another time, stays as it is.
CREATE OR REPLACE FUNCTION moose.place_work_orders(
    p_ids uuid[], p_lane text, p_priority integer, p_run_at timestamptz, p_who text, p_reason text
) RETURNS TABLE (id uuid, before text, after text, changed boolean) LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    x_id uuid[]; x_state text[];
    v_changed uuid[];
BEGIN
    SELECT array_agg(w.id), array_agg(w.state) INTO x_id, x_state
    FROM (SELECT o.id, o.state FROM moose.work_orders o
          WHERE o.id = ANY (p_ids) ORDER BY o.id FOR NO KEY UPDATE) w;
    IF NOT isfinite(p_run_at) THEN
        RAISE EXCEPTION 'the time must be finite' USING ERRCODE = '22023',
            HINT = 'An order that shall never run is cancelled.';
    END IF;
    IF p_run_at > now() THEN
        -- Whoever is put off keeps no place at a gate: the update calls the next.
        PERFORM moose.leave_line(i, NULL) FROM unnest(x_id, x_state) AS x (i, state)
        WHERE x.state IN ('scheduled', 'pending', 'retrying');
    END IF;
    WITH placed AS (
        UPDATE moose.work_orders w
        SET lane = coalesce(p_lane, w.lane), priority = coalesce(p_priority, w.priority),
            run_at = coalesce(p_run_at, w.run_at),
            state = CASE WHEN p_run_at > now() AND w.state = 'pending' THEN 'scheduled'
                         WHEN p_run_at <= now() AND w.state = 'scheduled' THEN 'pending' ELSE w.state END
        FROM unnest(x_id) AS i (id)
        WHERE w.id = ANY (ARRAY[i.id])
          AND w.state IN ('scheduled', 'pending', 'retrying', 'blocked', 'awaiting_budget')
          AND NOT (p_run_at IS NOT NULL AND w.state = 'awaiting_budget')
        RETURNING w.id, w.state, w.lane, w.priority, w.run_at
    ), audited AS (
        INSERT INTO moose.audit_log (who, action, subject, after, reason)
        SELECT p_who, CASE WHEN p_lane IS NOT NULL THEN 'work order move'
                           WHEN p_priority IS NOT NULL THEN 'work order reprioritise'
                           ELSE 'work order reschedule' END,
               'work order ' || p.id,
               jsonb_build_object('state', p.state, 'lane', p.lane, 'priority', p.priority, 'run_at', p.run_at),
               p_reason
        FROM placed p
    )
    SELECT array_agg(p.id) INTO v_changed FROM placed p;
    PERFORM pg_notify('moose_line', '');
    RETURN QUERY
        SELECT i, coalesce(x.state, 'unknown'), coalesce(w.state, 'unknown'), i = ANY (v_changed) IS TRUE
        FROM unnest(p_ids) AS i
        LEFT JOIN unnest(x_id, x_state) AS x (id, state) ON x.id = i
        LEFT JOIN moose.work_orders w ON w.id = ANY (ARRAY[i])
        ORDER BY 1;
END $$;

-- A page of the orders that wait, after this id and by it; a NULL lets everything pass. p_before: those that came since
-- are left alone.
CREATE OR REPLACE FUNCTION moose.waiting_orders(
    p_state text, p_kind text, p_lane text, p_project text, p_agent text, p_after uuid, p_before timestamptz,
    p_limit integer
) RETURNS SETOF uuid LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT x.id FROM moose.waiting x JOIN moose.work_orders w ON w.id = ANY (ARRAY[x.id])
    WHERE x.id > p_after AND (p_state IS NULL OR x.state = p_state) AND (p_lane IS NULL OR w.lane = p_lane)
      AND (p_kind IS NULL OR w.kind = p_kind) AND (p_project IS NULL OR w.project = p_project)
      AND (p_agent IS NULL OR w.agent = p_agent) AND w.created_at <= p_before
    ORDER BY x.id LIMIT p_limit
$$;
