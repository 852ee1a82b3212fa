-- A piece of the safety net: of the orders of a lane in this state, from this place on, what is due, unclaimed and has
-- no doorbell on its way is rung again. It looks at so many, however few of them it rings; next_run_at is empty at the
-- end. p_lane: a lane whose queue is empty; only there an unclaimed order can't still be waiting in the broker.
CREATE OR REPLACE FUNCTION moose.sweep(
    p_lane text, p_state text, p_run_at timestamptz, p_id uuid, p_limit integer,
    OUT rung integer, OUT next_run_at timestamptz, OUT next_id uuid
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_ids uuid[]; v_run_at timestamptz[];
BEGIN
    SELECT array_agg(o.id ORDER BY o.run_at, o.id), array_agg(o.run_at ORDER BY o.run_at, o.id) INTO v_ids, v_run_at
    FROM (SELECT w.id, w.run_at FROM moose.waiting w
          WHERE w.state = p_state AND w.state IN ('scheduled', 'pending', 'retrying') AND w.lane = p_lane
            AND w.run_at < now() - interval '30 seconds'
            AND w.run_at >= p_run_at AND (w.run_at, w.id) > (p_run_at, p_id)
            AND NOT EXISTS (SELECT 1 FROM moose.lanes l WHERE l.name = p_lane AND l.paused_at IS NOT NULL)
          ORDER BY w.run_at, w.id LIMIT p_limit) o;
    next_run_at := v_run_at[p_limit];
    next_id := v_ids[p_limit];
    v_ids := ARRAY(
        SELECT i FROM unnest(v_ids) AS i
        WHERE NOT EXISTS (SELECT 1 FROM moose.outbox x WHERE x.doorbell_for = ANY (ARRAY[i]))
          AND NOT EXISTS (SELECT 1 FROM moose.gate_waits y WHERE y.work_order_id = ANY (ARRAY[i])));
    rung := cardinality(v_ids);
    IF rung > 0 THEN
        PERFORM moose.ring(v_ids, array_fill(p_lane, ARRAY[rung]), array_fill(now(), ARRAY[rung]));
    END IF;
END $$;
