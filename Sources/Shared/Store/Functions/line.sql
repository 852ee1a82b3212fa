-- The line: what is registered and may start waits for a free slot in moose.waiting, due and in its place.

-- From when on these may be taken; NULL: not before something else has happened. The caller has locked their orders.
-- An order that comes to wait, or whose time or lane changes, is put in its place by keep_live_sets.
CREATE OR REPLACE FUNCTION moose.put_in_line(p_ids uuid[], p_due timestamptz[]) RETURNS void LANGUAGE sql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    UPDATE moose.waiting x SET due = i.due
    FROM unnest(p_ids, p_due) AS i (id, due)
    WHERE x.id = ANY (ARRAY[i.id]) AND x.due IS DISTINCT FROM i.due
$$;

-- How many of a lane may start now by its own pause, limit and rate; NULL: it has none.
CREATE OR REPLACE FUNCTION moose.lane_room(p_lane text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN s.paused_at IS NOT NULL THEN 0 ELSE greatest(0, least(
               s.concurrency - coalesce(g.running, 0),
               floor(least(s.rate, coalesce(g.tokens, s.rate)
                   + coalesce(greatest(0, extract(epoch FROM clock_timestamp() - g.refilled_at)), 0)
                     * s.rate / s.rate_seconds))::bigint)) END
    FROM moose.lanes s LEFT JOIN moose.gates g ON g.name = 'lane ' || s.name
    WHERE s.name = p_lane AND (s.paused_at IS NOT NULL OR s.concurrency IS NOT NULL OR s.rate IS NOT NULL)
$$;

-- The projects that have something in a lane and rank, from this name on, found by skipping from one to the next.
CREATE OR REPLACE FUNCTION moose.projects_in_line(p_lane text, p_rank smallint, p_from text, p_limit integer)
RETURNS text[] LANGUAGE sql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
    WITH RECURSIVE step AS (
        (SELECT x.project FROM moose.waiting x
         WHERE x.lane = p_lane AND x.rank = p_rank AND x.due IS NOT NULL AND x.project >= p_from
         ORDER BY x.project LIMIT 1)
        UNION ALL
        SELECT (SELECT x.project FROM moose.waiting x
                WHERE x.lane = p_lane AND x.rank = p_rank AND x.due IS NOT NULL AND x.project > s.project
                ORDER BY x.project LIMIT 1)
        FROM step s WHERE s.project IS NOT NULL
    )
    SELECT ARRAY(SELECT s.project FROM step s WHERE s.project IS NOT NULL LIMIT p_limit)
$$;

-- The next of a lane's line, locked: higher priorities first; within one, projects take turns, beginning with any;
-- within a project what is due longest. What another holds is passed by, so that nobody waits, and no two take the
-- same.
CREATE OR REPLACE FUNCTION moose.next_in_line(p_lane text, p_count integer) RETURNS uuid[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
DECLARE
    v_ids uuid[] := '{}';
    v_rank smallint := -1;
    v_projects text[]; v_due timestamptz[]; v_last uuid[];
    v_share integer; v_left integer; v_first integer; v_from text;
    g record;
BEGIN
    WHILE cardinality(v_ids) < p_count LOOP
        v_rank := (SELECT x.rank FROM moose.waiting x
                   WHERE x.lane = p_lane AND x.rank > v_rank AND x.due IS NOT NULL ORDER BY x.rank LIMIT 1);
        EXIT WHEN v_rank IS NULL;
        v_projects := moose.projects_in_line(p_lane, v_rank, '', 1000);
        IF cardinality(v_projects) = 1000 THEN
            -- There may be more: those from a random name on, and where they end, the first again.
            v_from := v_projects[1 + floor(random() * 1000)::integer];
            IF random() < 0.5 THEN v_from := chr(33 + floor(random() * 94)::integer); END IF;
            v_projects := (moose.projects_in_line(p_lane, v_rank, v_from, 1000) || v_projects)[: 1000];
            -- And in any case those of what is due longest.
            v_projects := v_projects || ARRAY(
                SELECT y.project FROM (SELECT x.project, x.rank FROM moose.waiting x
                                       WHERE x.lane COLLATE "C" = p_lane AND x.due <= now()
                                       ORDER BY x.due LIMIT 100) y
                WHERE y.rank = v_rank);
            v_projects := ARRAY(SELECT DISTINCT p FROM unnest(v_projects) AS p ORDER BY p);
        END IF;
        v_first := floor(random() * cardinality(v_projects))::integer;
        v_projects := v_projects[v_first + 1 :] || v_projects[: v_first];
        v_due := array_fill('-infinity'::timestamptz, ARRAY[cardinality(v_projects)]);
        v_last := array_fill('00000000-0000-0000-0000-000000000000'::uuid, ARRAY[cardinality(v_projects)]);
        -- Each gets its share; who has more shares in what the others left. No more projects than orders are asked:
        -- what is locked and not taken is nobody else's either.
        WHILE cardinality(v_projects) > 0 AND cardinality(v_ids) < p_count LOOP
            v_left := p_count - cardinality(v_ids);
            v_share := ceil(v_left::numeric / cardinality(v_projects));
            SELECT coalesce(array_agg(t.id ORDER BY t.nth, t.due, t.id), '{}') AS ids,
                   array_agg(t.project ORDER BY t.nth) FILTER (WHERE t.place = v_share) AS projects,
                   array_agg(t.due ORDER BY t.nth) FILTER (WHERE t.place = v_share) AS due,
                   array_agg(t.id ORDER BY t.nth) FILTER (WHERE t.place = v_share) AS last
            INTO g
            FROM (SELECT p.project, p.nth, y.id, y.due,
                         row_number() OVER (PARTITION BY p.nth ORDER BY y.due, y.id) AS place
                  FROM unnest(v_projects[: v_left], v_due[: v_left], v_last[: v_left])
                       WITH ORDINALITY AS p (project, due, last, nth)
                  CROSS JOIN LATERAL (
                      SELECT x.id, x.due FROM moose.waiting x JOIN moose.work_orders w ON w.id = ANY (ARRAY[x.id])
                      WHERE x.lane = p_lane AND x.rank = v_rank AND x.project = p.project AND x.due IS NOT NULL
                        AND x.due <= now() AND x.due >= p.due AND (x.due, x.id) > (p.due, p.last)
                        -- Looked at again once it is locked: it may have been moved meanwhile.
                        AND w.lane = p_lane AND w.state IN ('scheduled', 'pending', 'retrying', 'awaiting_budget')
                      ORDER BY x.due, x.id LIMIT v_share FOR NO KEY UPDATE OF w SKIP LOCKED) y
                  LIMIT v_left) t;
            v_ids := v_ids || g.ids;
            v_projects := coalesce(g.projects, '{}') || v_projects[v_left + 1 :];
            v_due := coalesce(g.due, '{}') || v_due[v_left + 1 :];
            v_last := coalesce(g.last, '{}') || v_last[v_left + 1 :];
        END LOOP;
    END LOOP;
    RETURN v_ids;
END $$;

-- Of these lanes, those with something due, or with something that others could not run and who knows these kinds
-- can; and how long until there is more, NULL: nothing is known to come.
CREATE OR REPLACE FUNCTION moose.look_at_line(
    p_lanes text[], p_kinds text[], OUT lanes text[], OUT wait_seconds double precision
) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
BEGIN
    SELECT coalesce(array_agg(l.lane) FILTER (WHERE n.due <= now()), '{}'),
           extract(epoch FROM min(n.due) FILTER (WHERE n.due > now() AND isfinite(n.due)) - now())
    INTO lanes, wait_seconds
    FROM unnest(p_lanes) AS l (lane)
    CROSS JOIN LATERAL (SELECT x.due FROM moose.waiting x WHERE x.lane COLLATE "C" = l.lane ORDER BY x.due LIMIT 1) n
    WHERE moose.lane_room(l.lane) > 0 IS NOT FALSE;
    IF EXISTS (SELECT 1 FROM moose.work_orders w WHERE w.unknown_since IS NOT NULL) THEN
        lanes := lanes || ARRAY(SELECT DISTINCT u.lane FROM moose.parked_unknown(p_kinds, p_lanes, 100) u);
    END IF;
END $$;
