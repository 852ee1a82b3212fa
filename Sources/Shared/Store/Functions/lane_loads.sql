-- What could run now and what runs, of each lane asked for; without what waits at a gate. Counts stop at 100,000: more
-- changes no decision. room: how many may start now by the lane's own pause, limit and rate; NULL where it has none.
CREATE OR REPLACE FUNCTION moose.lane_loads(p_lanes text[])
RETURNS TABLE (lane text, due bigint, doorbells bigint, running bigint, oldest_seconds double precision, room bigint)
LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT l.lane, d.due, d.doorbells, r.running, d.oldest_seconds, (
        SELECT CASE WHEN s.paused_at IS NOT NULL THEN 0 ELSE greatest(0, least(
                   s.concurrency - coalesce(g.running, 0),
                   floor(least(s.rate, coalesce(g.tokens, s.rate)
                       + coalesce(greatest(0, extract(epoch FROM clock_timestamp() - g.refilled_at)), 0)
                         * s.rate / s.rate_seconds))::bigint)) END
        FROM moose.lanes s LEFT JOIN moose.gates g ON g.name = 'lane ' || s.name
        WHERE s.name = l.lane AND (s.paused_at IS NOT NULL OR s.concurrency IS NOT NULL OR s.rate IS NOT NULL))
    FROM unnest(p_lanes) AS l (lane),
    LATERAL (
        SELECT count(*) AS due, count(*) FILTER (WHERE x.rings) AS doorbells,
               coalesce(greatest(extract(epoch FROM now() - min(x.run_at)), 0), 0)::double precision AS oldest_seconds
        FROM (SELECT w.run_at, EXISTS (SELECT 1 FROM moose.outbox o WHERE o.doorbell_for = ANY (ARRAY[w.id])) AS rings,
                     EXISTS (SELECT 1 FROM moose.gate_waits y
                             WHERE y.work_order_id = ANY (ARRAY[w.id]) AND y.rung_at IS NULL) AS held
              FROM moose.waiting w
              WHERE w.state IN ('scheduled', 'pending', 'retrying') AND w.run_at <= now() AND w.lane = l.lane
              LIMIT 100000) x
        WHERE NOT x.held) d,
    LATERAL (
        SELECT count(*) AS running
        FROM (SELECT 1 FROM moose.leases x JOIN moose.work_orders w ON w.id = ANY (ARRAY[x.id])
              WHERE w.lane = l.lane LIMIT 100000) x) r
$$;
