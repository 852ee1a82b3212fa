-- Whether a worker that is alive knows this kind, so that a rolling deploy dead-letters nothing. Nobody is seen while
-- the database is away, so this looks further back than an outage of a minute or two.
CREATE OR REPLACE FUNCTION moose.kind_is_known(p_kind text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM moose.workers w
        WHERE p_kind = ANY (w.kinds) AND w.stopped_at IS NULL AND w.last_seen > now() - interval '5 minutes')
$$;

-- How many attempts a worker makes of the kind that runs under this claim: the order's own, or the cheap one that it
-- was switched to. NULL: nobody knows any more.
CREATE OR REPLACE FUNCTION moose.attempts_of(p_worker uuid, p_order uuid, p_token bigint, p_kind text) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT k.kind_attempts[array_position(k.kinds, coalesce(
               (SELECT h.handler FROM moose.budget_holds h
                WHERE h.owner = p_order AND h.token = p_token AND h.number = 0), p_kind))]
    FROM moose.workers k WHERE k.id = p_worker
$$;
-- Due orders that a worker without their kind has put off, and that whoever knows these kinds need not.
CREATE OR REPLACE FUNCTION moose.parked_unknown(p_kinds text[], p_lanes text[], p_limit integer)
RETURNS TABLE (id uuid, lane text) LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT w.id, w.lane FROM moose.work_orders w
    WHERE w.unknown_since IS NOT NULL AND w.state IN ('scheduled', 'pending', 'retrying')
      AND w.kind = ANY (p_kinds) AND w.lane = ANY (p_lanes) AND w.run_at <= now()
      AND NOT EXISTS (SELECT 1 FROM moose.gate_waits y WHERE y.work_order_id = ANY (ARRAY[w.id]))
    ORDER BY w.run_at LIMIT p_limit
$$;

-- Those of them, in this lane, that nobody holds just now are due at once.
CREATE OR REPLACE FUNCTION moose.call_unknown(p_kinds text[], p_lane text, p_limit integer) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    v_ids uuid[];
BEGIN
    IF NOT EXISTS (SELECT 1 FROM moose.work_orders w WHERE w.unknown_since IS NOT NULL) THEN RETURN; END IF;
    v_ids := ARRAY(SELECT w.id FROM moose.work_orders w
                   WHERE w.id = ANY (ARRAY(SELECT u.id FROM moose.parked_unknown(p_kinds, ARRAY[p_lane], p_limit) u))
                     AND w.state IN ('scheduled', 'pending', 'retrying')
                   ORDER BY w.id FOR NO KEY UPDATE SKIP LOCKED);
    PERFORM moose.put_in_line(v_ids, array_fill(now(), ARRAY[cardinality(v_ids)]));
END $$;
