-- Takes orders back from workers that are gone: retrying, or failed as poison at the third loss. What the attempt
-- cost is unknown, so its hold is presumed spent until a late report corrects it. The first time an order goes on at
-- once; after that at a random moment of half a minute, so that what ran together with a poisonous order doesn't die
-- with it again and again.
CREATE OR REPLACE FUNCTION moose.rescue_leases(p_ids uuid[], p_tokens bigint[], p_max_attempts integer) RETURNS integer
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_ids uuid[]; v_tokens bigint[]; v_workers uuid[];
    -- What was to be cancelled is not tried again.
    v_cancelled integer := moose.end_cancelled(p_ids, p_tokens);
BEGIN
    -- Of an order that ended in another way, as only a hand in psql does.
    DELETE FROM moose.leases l USING unnest(p_ids, p_tokens) AS i (id, token)
    WHERE l.id = ANY (ARRAY[i.id]) AND l.token = i.token AND l.expires_at < now()
      AND NOT EXISTS (SELECT 1 FROM moose.work_orders w
                      WHERE w.id = ANY (ARRAY[l.id]) AND w.state = 'in_progress' AND w.fencing_token = l.token);
    WITH lost AS (
        SELECT w.id, l.worker, w.started_at,
               -- As many attempts as the order says, else as the worker that claimed it would have made.
               w.attempt >= coalesce(w.max_attempts, moose.attempts_of(l.worker, w.id, w.fencing_token, w.kind),
                                     p_max_attempts) AS is_last
        FROM unnest(p_ids, p_tokens) AS i (id, token)
        JOIN moose.work_orders w ON w.id = ANY (ARRAY[i.id]) AND w.fencing_token = i.token
        JOIN moose.leases l ON l.id = ANY (ARRAY[w.id]) AND l.token = w.fencing_token
        -- One whose cancel came since the look above is ended by the next pass.
        WHERE w.state = 'in_progress' AND l.expires_at < now() AND w.cancel_requested_at IS NULL
        ORDER BY i.id FOR NO KEY UPDATE OF w, l SKIP LOCKED
    ), rescued AS (
        UPDATE moose.work_orders w
        SET state = CASE WHEN w.worker_losses + 1 >= 3 OR l.is_last
                         THEN 'failed' ELSE 'retrying' END,
            worker_losses = w.worker_losses + 1,
            run_at = now() + CASE WHEN w.worker_losses > 0 THEN random() ELSE 0 END * interval '30 seconds',
            error = CASE WHEN w.worker_losses + 1 >= 3 THEN 'three workers were lost while they ran it'
                         ELSE 'the worker that ran it was lost' END,
            failure_class = 'worker_lost',
            letter_reason = CASE WHEN w.worker_losses + 1 >= 3 THEN 'poison' END,
            finished_at = CASE WHEN w.worker_losses + 1 >= 3 OR l.is_last THEN now() END
        FROM lost l WHERE w.id = ANY (ARRAY[l.id])
        RETURNING w.id, w.fencing_token, w.attempt, w.lane, w.kind, w.state, w.error, l.worker, l.started_at
    ), vectors AS (
        INSERT INTO moose.outcome_vectors (work_order_id, fencing_token, attempt, outcome, success, handler, worker,
                                           failure_class, error, started_at)
        SELECT r.id, r.fencing_token, r.attempt, 'worker_lost', false, r.kind, r.worker, 'worker_lost', r.error,
               r.started_at
        FROM rescued r ON CONFLICT DO NOTHING
    )
    SELECT array_agg(r.id), array_agg(r.fencing_token), array_agg(DISTINCT r.worker)
    INTO v_ids, v_tokens, v_workers FROM rescued r;
    IF v_ids IS NULL THEN RETURN v_cancelled; END IF;

    PERFORM moose.report(
        moose.event_id(w.id::text, w.fencing_token, 'failed'), 'worker', 'run',
        CASE WHEN w.worker_losses >= 3 THEN 'critical' ELSE 'warning' END, w.error, w.id, 'worker_lost',
        jsonb_build_object('handler', w.kind, 'attempt', w.attempt, 'lane', w.lane,
                                          'poison', w.worker_losses >= 3))
    FROM moose.work_orders w WHERE w.id = ANY (v_ids) AND w.state = 'failed';
    PERFORM moose.reply(v_ids);
    -- One event a lost process, not one an order.
    PERFORM moose.report(
        moose.event_id(l::text, extract(epoch FROM k.last_seen)::bigint, 'worker lost'),
        'worker', 'heartbeat', 'warning',
        format('worker process %s on %s stopped without a word; its work was rescued', k.pid, k.host), NULL,
        'worker_lost', jsonb_build_object('worker', l))
    FROM unnest(v_workers) AS l JOIN moose.workers k ON k.id = l;
    PERFORM moose.close_holds(v_ids, v_tokens, NULL, NULL, array_fill(true, ARRAY[cardinality(v_ids)]));
    RETURN cardinality(v_ids) + v_cancelled;
END $$;
