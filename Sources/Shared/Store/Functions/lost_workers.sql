-- Workers that neither renewed nor took their leave. A sweeper acts only on what it saw silent twice (see LeaseWatch).
CREATE OR REPLACE FUNCTION moose.silent_workers(p_after interval) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT k.id FROM moose.workers k
    WHERE k.stopped_at IS NULL AND k.lost_at IS NULL AND k.last_seen < now() - p_after
    ORDER BY k.id LIMIT 1000
$$;

-- Marks them lost and tells of each once: the event has the id under which a rescue of its work tells of it.
CREATE OR REPLACE FUNCTION moose.mark_workers_lost(p_ids uuid[], p_after interval) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_lost uuid[];
BEGIN
    WITH silent AS (
        SELECT k.id FROM moose.workers k
        WHERE k.id = ANY (p_ids) AND k.stopped_at IS NULL AND k.lost_at IS NULL AND k.last_seen < now() - p_after
        ORDER BY k.id FOR NO KEY UPDATE OF k SKIP LOCKED
    ), marked AS (
        UPDATE moose.workers k SET lost_at = now() FROM silent s WHERE k.id = s.id RETURNING k.id
    )
    SELECT array_agg(m.id) INTO v_lost FROM marked m;
    IF v_lost IS NULL THEN RETURN 0; END IF;
    PERFORM moose.report(
        moose.event_id(k.id::text, extract(epoch FROM k.last_seen)::bigint, 'worker lost'),
        'worker', 'heartbeat', 'warning',
        format('worker process %s on %s stopped without a word', k.pid, k.host), NULL, 'worker_lost',
        jsonb_build_object('worker', k.id))
    FROM moose.workers k WHERE k.id = ANY (v_lost);
    RETURN cardinality(v_lost);
END $$;

-- A parent saw its process of this number end, and no command of it runs any more: what the process held is rescued
-- now, where anybody else has to see each lease expired twice. At most 1000 orders a call; returns how many.
CREATE OR REPLACE FUNCTION moose.process_ended(p_supervisor uuid, p_pid integer, p_max_attempts integer) RETURNS integer
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_workers uuid[] := ARRAY(
        SELECT k.id FROM moose.workers k
        WHERE k.supervisor = p_supervisor AND k.pid = p_pid AND k.stopped_at IS NULL);
    v_ids uuid[]; v_tokens bigint[];
BEGIN
    IF cardinality(v_workers) = 0 THEN RETURN 0; END IF;
    PERFORM moose.mark_workers_lost(v_workers, interval '0');
    WITH held AS (
        -- The orders too, and first: nobody who holds one, and gates, then waits for its lease.
        SELECT l.id FROM moose.work_orders w JOIN moose.leases l ON w.id = ANY (ARRAY[l.id])
        WHERE l.worker = ANY (v_workers)
        ORDER BY l.id LIMIT 1000 FOR NO KEY UPDATE OF w, l SKIP LOCKED
    ), expired AS (
        UPDATE moose.leases l SET expires_at = now() - interval '1 microsecond'
        FROM held h WHERE l.id = ANY (ARRAY[h.id])
        RETURNING l.id, l.token
    )
    SELECT array_agg(o.id), array_agg(o.token) INTO v_ids, v_tokens FROM expired o;
    IF v_ids IS NULL THEN RETURN 0; END IF;
    PERFORM moose.rescue_leases(v_ids, v_tokens, p_max_attempts);
    RETURN cardinality(v_ids);
END $$;

-- Forgets workers that stopped or were lost so long ago.
CREATE OR REPLACE FUNCTION moose.prune_workers(p_keep interval) RETURNS void LANGUAGE sql AS $$
    DELETE FROM moose.workers k WHERE k.id = ANY (ARRAY(
        SELECT o.id FROM moose.workers o WHERE coalesce(o.stopped_at, o.lost_at) < now() - p_keep LIMIT 1000))
$$;
