-- Pauses a lane: no claim starts its orders from now on; what runs goes on. False: it was paused, and stays as it was.
CREATE OR REPLACE FUNCTION moose.pause_lane(p_lane text, p_who text, p_reason text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO moose.lanes (name) VALUES (p_lane) ON CONFLICT DO NOTHING;
    UPDATE moose.lanes l SET paused_at = now(), paused_by = p_who, paused_why = p_reason
    WHERE l.name = p_lane AND l.paused_at IS NULL;
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO moose.audit_log (who, action, subject, reason)
    VALUES (p_who, 'lane pause', 'lane ' || p_lane, p_reason);
    -- Places that its orders were called to are others'.
    PERFORM moose.wake_gates(ARRAY(
        SELECT DISTINCT y.gate FROM moose.gate_waits y JOIN moose.work_orders w ON w.id = ANY (ARRAY[y.work_order_id])
        WHERE w.lane = p_lane AND y.rung_at IS NOT NULL AND y.gate <> 'lane ' || p_lane LIMIT 1000));
    RETURN true;
END $$;

-- Lets a lane go on; what it held back is called in the order of its age, in batches. False: it was not paused.
CREATE OR REPLACE FUNCTION moose.resume_lane(p_lane text, p_who text, p_reason text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_before moose.lanes;
BEGIN
    SELECT * INTO v_before FROM moose.lanes l WHERE l.name = p_lane AND l.paused_at IS NOT NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    UPDATE moose.lanes l SET paused_at = NULL, paused_by = NULL, paused_why = NULL WHERE l.name = p_lane;
    INSERT INTO moose.audit_log (who, action, subject, before, reason)
    VALUES (p_who, 'lane resume', 'lane ' || p_lane,
            jsonb_build_object('paused_at', v_before.paused_at, 'paused_by', v_before.paused_by,
                               'paused_why', v_before.paused_why), p_reason);
    -- Also the gates of kinds and keys, whose places its orders were passed by for.
    PERFORM moose.wake_gates(ARRAY['lane ' || p_lane] || ARRAY(
        SELECT DISTINCT y.gate FROM moose.gate_waits y JOIN moose.work_orders w ON w.id = ANY (ARRAY[y.work_order_id])
        WHERE w.lane = p_lane AND y.gate <> 'lane ' || p_lane LIMIT 1000));
    PERFORM pg_notify('moose_line', '');
    RETURN true;
END $$;

-- Sets what is given and leaves the rest; 0 takes a setting away. p_rate orders may start in p_rate_seconds. A limit
-- counts the orders that are claimed while it is in force.
CREATE OR REPLACE FUNCTION moose.set_lane_limits(
    p_lane text, p_weight integer, p_concurrency integer, p_rate integer, p_rate_seconds integer,
    p_who text, p_reason text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_before moose.lanes; v_after moose.lanes;
BEGIN
    INSERT INTO moose.lanes (name) VALUES (p_lane) ON CONFLICT DO NOTHING;
    SELECT * INTO v_before FROM moose.lanes l WHERE l.name = p_lane FOR NO KEY UPDATE;
    UPDATE moose.lanes l
    SET weight = nullif(coalesce(p_weight, l.weight), 0),
        concurrency = nullif(coalesce(p_concurrency, l.concurrency), 0),
        rate = nullif(coalesce(p_rate, l.rate), 0),
        rate_seconds = CASE WHEN p_rate IS NULL THEN l.rate_seconds WHEN p_rate > 0 THEN p_rate_seconds END
    WHERE l.name = p_lane
    RETURNING * INTO v_after;
    INSERT INTO moose.audit_log (who, action, subject, before, after, reason)
    VALUES (p_who, 'lane set', 'lane ' || p_lane, to_jsonb(v_before), to_jsonb(v_after), p_reason);
    PERFORM moose.wake_gates(ARRAY['lane ' || p_lane]);
    PERFORM pg_notify('moose_line', '');
END $$;

-- Every lane that an operator set something for or that a live worker serves, with what runs and what its pause (up to
-- 100,000) or its limits hold back; and those that have work and no worker (see moose.untended).
CREATE OR REPLACE FUNCTION moose.lane_states() RETURNS TABLE (
    name text, weight integer, paused_at timestamptz, paused_by text, paused_why text,
    concurrency integer, rate integer,
    rate_seconds integer, running bigint, held bigint, workers bigint, untended_since timestamptz, stored bigint,
    queued bigint
) LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    WITH served AS (
        SELECT s.name, count(*) AS workers
        FROM moose.workers w, unnest(w.lanes) AS s (name)
        WHERE w.stopped_at IS NULL AND w.last_seen > now() - interval '60 seconds' GROUP BY 1
    ), busy AS (
        SELECT o.lane AS name, count(*) AS running FROM moose.leases l
        JOIN moose.work_orders o ON o.id = ANY (ARRAY[l.id]) GROUP BY 1
    ), alone AS MATERIALIZED (SELECT * FROM moose.untended())
    SELECT n.name, l.weight, l.paused_at, l.paused_by, l.paused_why, l.concurrency, l.rate, l.rate_seconds,
           coalesce(b.running, 0),
           (SELECT count(*) FROM moose.gate_waits y WHERE y.gate = 'lane ' || n.name)
               + CASE WHEN l.paused_at IS NOT NULL THEN d.due ELSE 0 END, coalesce(s.workers, 0),
           u.since, u.stored, u.queued
    FROM (SELECT l.name FROM moose.lanes l UNION SELECT s.name FROM served s
          UNION SELECT u.name FROM alone u) n
    LEFT JOIN moose.lanes l ON l.name = n.name
    LEFT JOIN served s ON s.name = n.name
    LEFT JOIN busy b ON b.name = n.name
    LEFT JOIN alone u ON u.name = n.name
    CROSS JOIN LATERAL (
        SELECT count(*) AS due FROM (SELECT 1 FROM moose.waiting x
                                     WHERE x.lane COLLATE "C" = n.name AND x.due <= now()
                                       AND NOT EXISTS (SELECT 1 FROM moose.gate_waits w
                                                       WHERE w.work_order_id = ANY (ARRAY[x.id]))
                                     LIMIT 100000) y) d
    ORDER BY n.name
$$;
