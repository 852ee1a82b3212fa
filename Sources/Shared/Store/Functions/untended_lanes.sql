-- The lanes that workers which are alive, and are not about to end, take work from.
CREATE OR REPLACE FUNCTION moose.tended_lanes() RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT DISTINCT l FROM moose.workers w, unnest(w.lanes) AS l
    WHERE w.stopped_at IS NULL AND w.lost_at IS NULL AND NOT w.draining AND w.last_seen > now() - interval '60 seconds'
$$;

-- The lanes of stored orders that have not ended, found by skipping from one to the next.
CREATE OR REPLACE FUNCTION moose.lanes_of_orders() RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE step AS (
        SELECT (SELECT w.lane COLLATE "C" FROM moose.waiting w ORDER BY w.lane COLLATE "C" LIMIT 1) AS lane
        UNION ALL
        SELECT (SELECT w.lane COLLATE "C" FROM moose.waiting w
                WHERE w.lane COLLATE "C" > p.lane ORDER BY w.lane COLLATE "C" LIMIT 1)
        FROM step p WHERE p.lane IS NOT NULL
    )
    SELECT p.lane FROM step p WHERE p.lane IS NOT NULL
$$;

-- How many orders of these lanes are stored and have not ended. Counts stop at 100,000.
CREATE OR REPLACE FUNCTION moose.stored_orders(p_lanes text[]) RETURNS TABLE (lane text, stored bigint)
LANGUAGE sql STABLE AS $$
    SELECT l.lane, (SELECT count(*) FROM (
        SELECT 1 FROM moose.waiting w
        WHERE w.lane COLLATE "C" = l.lane LIMIT 100000) x)
    FROM unnest(p_lanes) AS l (lane)
$$;

-- Lanes with work that nobody takes now: since when that is known, how many orders are stored, and how many messages
-- its queue held at the last look; NULL: it has none, or nobody looked.
CREATE OR REPLACE FUNCTION moose.untended() RETURNS TABLE (name text, since timestamptz, stored bigint, queued bigint)
LANGUAGE sql STABLE AS $$
    SELECT s.lane, u.since, s.stored, u.queued
    FROM moose.stored_orders(ARRAY(
        (SELECT * FROM moose.lanes_of_orders() UNION SELECT x.name FROM moose.untended_lanes x)
        EXCEPT SELECT * FROM moose.tended_lanes())) s
    LEFT JOIN moose.untended_lanes u ON u.name = s.lane
    WHERE s.stored > 0 OR u.queued > 0
$$;

-- Lanes that nobody takes work from: of those configured, those known from before, and those of stored orders.
CREATE OR REPLACE FUNCTION moose.lanes_to_look_at(p_configured text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO moose.known_lanes AS k (name) SELECT DISTINCT c FROM unnest(p_configured) AS c ORDER BY c
    ON CONFLICT (name) DO UPDATE SET seen_at = now() WHERE k.seen_at < now() - interval '1 day';
    RETURN QUERY
        (SELECT k.name FROM moose.known_lanes k UNION SELECT * FROM moose.lanes_of_orders())
        EXCEPT SELECT * FROM moose.tended_lanes();
END $$;

-- Keeps what was found of the lanes that were to be looked at: how much their queues hold, NULL where there is none.
-- What has had work and no worker for p_patience is told of, once until it has a worker again. Returns how many were
-- told of.
CREATE OR REPLACE FUNCTION moose.note_untended_lanes(
    p_lanes text[], p_queued bigint[], p_configured text[], p_patience interval
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_lanes text[]; v_stored bigint[]; v_queued bigint[];
    v_told integer;
BEGIN
    -- One look at a time.
    LOCK TABLE moose.untended_lanes IN SHARE ROW EXCLUSIVE MODE;
    SELECT array_agg(s.lane), array_agg(s.stored), array_agg(i.queued) INTO v_lanes, v_stored, v_queued
    FROM moose.stored_orders(p_lanes) s JOIN unnest(p_lanes, p_queued) AS i (lane, queued) ON i.lane = s.lane
    WHERE (s.stored > 0 OR i.queued > 0) AND s.lane NOT IN (SELECT * FROM moose.tended_lanes());
    INSERT INTO moose.untended_lanes AS u (name, stored, queued)
    SELECT * FROM unnest(v_lanes, v_stored, v_queued)
    ON CONFLICT (name) DO UPDATE SET stored = excluded.stored, queued = excluded.queued;
    DELETE FROM moose.untended_lanes u WHERE u.name = ANY (v_lanes) IS NOT TRUE;
    -- Neither configured nor on the broker, and nothing stored: nobody asks for it any more.
    DELETE FROM moose.known_lanes k USING unnest(p_lanes, p_queued) AS i (lane, queued)
    WHERE k.name = i.lane AND i.queued IS NULL AND k.name <> ALL (p_configured) AND k.name = ANY (v_lanes) IS NOT TRUE
      AND k.seen_at < now() - interval '1 day';

    WITH told AS (
        UPDATE moose.untended_lanes u SET told_at = now()
        WHERE u.told_at IS NULL AND u.since <= now() - p_patience
        RETURNING u.*
    ), reported AS (
        SELECT moose.report(
            moose.event_id('lane ' || t.name, (extract(epoch FROM t.since) * 1000000)::bigint, 'no worker'),
            'worker', 'lane',
            'critical',
            format('no worker takes work of the lane %s%s: %s stored, %s',
                   t.name, CASE WHEN t.name = ANY (p_configured) THEN '' ELSE ', which moose.yaml does not have' END,
                   t.stored,
                   CASE WHEN t.queued IS NULL THEN 'and it has no queue' ELSE format('%s in its queue', t.queued) END),
            NULL, 'infrastructure',
            jsonb_build_object('reason', 'no_worker', 'lane', t.name, 'stored', t.stored, 'queued', t.queued))
        FROM told t
    )
    SELECT count(*) INTO v_told FROM reported;
    RETURN v_told;
END $$;
