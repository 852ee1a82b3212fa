-- Calls the oldest that wait at these gates, as many as have room now and none that is on its way already; at most
-- 5,000 of a gate are. Without names: the gates of lanes and kinds, and a thousand of keys, that nobody holds just now,
-- one process at a time.
CREATE OR REPLACE FUNCTION moose.wake_gates(p_names text[] DEFAULT NULL) RETURNS integer LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    v_names text[]; v_keys text[];
    v_place text;
    v_rung integer;
BEGIN
    IF p_names IS NOT NULL THEN
        v_names := ARRAY(SELECT o.name FROM moose.gates o WHERE o.name = ANY (p_names)
                         ORDER BY o.name FOR NO KEY UPDATE);
    ELSIF EXISTS (SELECT 1 FROM moose.gate_waits) THEN
        v_place := moose.take_turn('wake_gates');
        IF v_place IS NULL THEN RETURN 0; END IF;
        -- Keys have no rate, so an end frees them: this is only a net, and looks at some of them each time.
        v_keys := ARRAY(SELECT o.name FROM moose.gates o
                        WHERE o.name LIKE 'key %' AND o.name > v_place ORDER BY o.name LIMIT 1000);
        UPDATE moose.turns t SET place = coalesce(v_keys[1000], '') WHERE t.name = 'wake_gates';
        v_names := ARRAY(
            SELECT o.name FROM moose.gates o
            WHERE (o.name NOT LIKE 'key %' OR o.name = ANY (v_keys))
              AND EXISTS (SELECT 1 FROM moose.gate_waits y WHERE y.gate = ANY (ARRAY[o.name]))
              AND NOT EXISTS (SELECT 1 FROM moose.lanes l WHERE o.name = 'lane ' || l.name AND l.paused_at IS NOT NULL)
            ORDER BY o.name FOR NO KEY UPDATE SKIP LOCKED);
        -- Nobody took it for a minute: it goes to the end of the line.
        UPDATE moose.gate_waits y SET rung_at = NULL, since = now()
        WHERE y.work_order_id = ANY (ARRAY(
            SELECT x.work_order_id FROM moose.gate_waits x
            WHERE x.gate = ANY (v_names) AND x.rung_at <= now() - interval '60 seconds' FOR UPDATE SKIP LOCKED));
    END IF;
    IF coalesce(cardinality(v_names), 0) = 0 THEN RETURN 0; END IF;

    WITH room AS (
        SELECT o.name, greatest(0, least(
                   5000, t.concurrency - o.running,
                   floor(least(t.rate, coalesce(o.tokens, t.rate)
                       + coalesce(greatest(0, extract(epoch FROM clock_timestamp() - o.refilled_at)), 0)
                         * t.rate / t.rate_seconds))::integer) - r.count) AS room
        FROM moose.gates o
        LEFT JOIN moose.lanes l ON o.name = 'lane ' || l.name
        CROSS JOIN LATERAL (
            SELECT CASE WHEN o.name LIKE 'lane %' THEN l.concurrency ELSE o.concurrency END AS concurrency,
                   CASE WHEN o.name LIKE 'lane %' THEN l.rate ELSE o.rate END AS rate,
                   CASE WHEN o.name LIKE 'lane %' THEN l.rate_seconds ELSE o.rate_seconds END AS rate_seconds) t
        CROSS JOIN LATERAL (
            SELECT count(*)::integer AS count FROM moose.ready_waits y
            WHERE y.gate = o.name AND y.rung_at > now() - interval '60 seconds') r
        WHERE o.name = ANY (v_names)
    ), next AS MATERIALIZED (
        SELECT w.* FROM room CROSS JOIN LATERAL (
            SELECT x.work_order_id FROM moose.gate_waits x
            JOIN moose.work_orders w ON w.id = ANY (ARRAY[x.work_order_id])
            WHERE x.gate = room.name AND x.rung_at IS NULL
              AND w.state IN ('scheduled', 'pending', 'retrying', 'awaiting_budget')
              -- No place is for one whose lane is paused: resume_lane wakes them.
              AND NOT EXISTS (SELECT 1 FROM moose.lanes p WHERE p.name = w.lane AND p.paused_at IS NOT NULL)
            ORDER BY x.since, x.work_order_id LIMIT room.room
            -- One that somebody takes out of the line just now is passed by: whoever does so wakes the next.
            FOR NO KEY UPDATE OF x, w SKIP LOCKED) w
    ), woken AS (
        UPDATE moose.gate_waits y SET rung_at = clock_timestamp() FROM next
        WHERE y.work_order_id = ANY (ARRAY[next.work_order_id])
        RETURNING y.work_order_id, y.since
    )
    -- At the place of their age.
    SELECT count(*), moose.put_in_line(array_agg(woken.work_order_id), array_agg(woken.since))
    INTO v_rung FROM woken;
    RETURN v_rung;
END $$;
