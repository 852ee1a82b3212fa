-- Looks at waits that can be seen by now. Where the dependency has completed, the order goes on; where it runs, nobody
-- must be about to end it, and who does is passed by and looked at again. Where it is unknown for too long, that is
-- told, once for each unknown id (p_patience). Each look goes on with two searches: for a dependency that ended badly,
-- and for a cycle. Returns how many it looked at.
CREATE OR REPLACE FUNCTION moose.look_at_waits(p_limit integer, p_patience interval) RETURNS integer LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    c_start CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    v_id uuid[]; v_at uuid[]; v_since timestamptz[]; v_searched uuid[]; v_old boolean[];
    s_id uuid[]; s_state text[];
    v_running uuid[]; v_free uuid[] := '{}';
    w_id uuid[]; w_old boolean[]; w_unknown boolean[];
BEGIN
    SELECT array_agg(m.work_order_id), array_agg(m.at), array_agg(m.since), array_agg(m.searched),
           array_agg(m.number > 0)
    INTO v_id, v_at, v_since, v_searched, v_old
    FROM (SELECT y.* FROM moose.dependency_waits y WHERE y.look_at <= now()
          ORDER BY y.look_at LIMIT p_limit FOR UPDATE SKIP LOCKED) m;
    IF v_id IS NULL THEN RETURN 0; END IF;

    -- An end that had begun before these waits could be seen holds its order's row: it is passed by.
    v_running := ARRAY(SELECT w.id FROM moose.work_orders w
                       WHERE w.id = ANY (v_at) AND w.state IN ('in_progress', 'needs_review'));
    IF v_running <> '{}' THEN
        v_free := ARRAY(SELECT w.id FROM moose.work_orders w WHERE w.id = ANY (v_running)
                        ORDER BY w.id FOR SHARE SKIP LOCKED);
    END IF;
    -- One that completed and was pruned since is as good as completed.
    SELECT array_agg(x.id), array_agg(x.state) INTO s_id, s_state
    FROM (SELECT w.id, w.state FROM moose.work_orders w WHERE w.id = ANY (v_at)
          UNION ALL
          SELECT f.id, f.state FROM moose.find_pruned(v_at) f
          WHERE NOT EXISTS (SELECT 1 FROM moose.work_orders w WHERE w.id = ANY (ARRAY[f.id]))) x;

    -- By now nobody is about to end what these wait at: the next end finds them.
    SELECT array_agg(i.id), array_agg(i.old), array_agg(s.id IS NULL) INTO w_id, w_old, w_unknown
    FROM unnest(v_id, v_at, v_old) AS i (id, at, old)
    LEFT JOIN unnest(s_id, s_state) AS s (id, state) ON s.id = i.at
    WHERE i.at <> c_start AND s.state IS DISTINCT FROM 'completed'
      AND (NOT i.at = ANY (v_running) OR i.at = ANY (v_free));
    UPDATE moose.dependency_waits y
    SET number = DEFAULT, look_at = CASE WHEN i.unknown AND y.since > now() - p_patience THEN y.since + p_patience END
    FROM unnest(w_id, w_old, w_unknown) AS i (id, old, unknown) WHERE y.work_order_id = ANY (ARRAY[i.id]) AND NOT i.old;
    UPDATE moose.dependency_waits y
    SET look_at = CASE WHEN i.unknown AND y.since > now() - p_patience THEN y.since + p_patience END
    FROM unnest(w_id, w_old, w_unknown) AS i (id, old, unknown) WHERE y.work_order_id = ANY (ARRAY[i.id]) AND i.old;
    UPDATE moose.dependency_waits y SET look_at = clock_timestamp() + interval '100 milliseconds'
    WHERE y.work_order_id = ANY (v_id) AND y.at = ANY (v_running) AND NOT y.at = ANY (v_free);

    PERFORM moose.report(
        moose.event_id(u.at::text, 0, 'never came'), 'worker', 'dependency', 'warning',
        format(
            'work order %s waits since %s for %s, which has not come (so do %s more); it goes on when that is '
            'published and completes', u.example, to_char(u.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"'), u.at,
            CASE WHEN n.count > 1000 THEN 'over 1000' ELSE (n.count - 1)::text END),
        u.example, 'dependency_missing', jsonb_build_object('reason', 'never_came', 'depends_on', u.at))
    FROM (SELECT i.at, (array_agg(i.id))[1] AS example, min(i.since) AS since
          FROM unnest(v_id, v_at, v_since) AS i (id, at, since)
          WHERE i.at <> c_start AND i.since <= now() - p_patience AND NOT i.at = ANY (coalesce(s_id, '{}'))
          GROUP BY i.at ORDER BY i.at) u
    CROSS JOIN LATERAL (
        SELECT count(*) FROM (SELECT 1 FROM moose.dependency_waits y WHERE y.at = u.at LIMIT 1001) x) n;

    PERFORM moose.search_for_broken(x.ids, x.searched)
    FROM (SELECT array_agg(i.id) AS ids, array_agg(i.searched) AS searched
          FROM unnest(v_id, v_searched) AS i (id, searched) WHERE i.searched IS NOT NULL) x
    WHERE x.ids IS NOT NULL;
    PERFORM moose.refuse_cycles(array_agg(i.id), array_agg(i.old))
    FROM unnest(v_id, v_at, v_old) AS i (id, at, old) JOIN unnest(s_id, s_state) AS s (id, state) ON s.id = i.at
    WHERE s.state = 'blocked' HAVING count(*) > 0;
    PERFORM moose.move_waits(x.ids, x.at)
    FROM (SELECT array_agg(i.id) AS ids, array_agg(i.at) AS at
          FROM unnest(v_id, v_at) AS i (id, at)
          LEFT JOIN unnest(s_id, s_state) AS s (id, state) ON s.id = i.at
          WHERE i.at = c_start OR s.state = 'completed') x
    WHERE x.ids IS NOT NULL;
    RETURN cardinality(v_id);
END $$;
