-- What could run now and what runs, of each lane asked for; without what waits at a gate. Counts stop at 100,000: more
-- changes no decision. room: how many may start now by the lane's own pause, limit and rate; NULL where it has none.
CREATE OR REPLACE FUNCTION moose.lane_load(p_lanes text[])
RETURNS TABLE (lane text, due bigint, running bigint, oldest_seconds double precision, room bigint)
LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT l.lane, d.due, r.running, d.oldest_seconds, moose.lane_room(l.lane)
    FROM unnest(p_lanes) AS l (lane),
    LATERAL (
        SELECT count(*) AS due,
               coalesce(greatest(extract(epoch FROM now() - min(x.due)), 0), 0)::double precision AS oldest_seconds
        FROM (SELECT w.due FROM moose.waiting w WHERE w.due <= now() AND w.lane COLLATE "C" = l.lane
              ORDER BY w.due LIMIT 100000) x) d,
    LATERAL (
        SELECT count(*) AS running
        FROM (SELECT 1 FROM moose.leases x JOIN moose.work_orders w ON w.id = ANY (ARRAY[x.id])
              WHERE w.lane = l.lane LIMIT 100000) x) r
$$;
DROP FUNCTION IF EXISTS moose.lane_loads(text[]);
