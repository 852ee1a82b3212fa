-- Leases: a worker renews what it really runs; a sweeper rescues what nobody renewed. Postgres's clock decides.

-- Renews every (order, token) pair in one statement; succeeds while the token matches, also past expiry. Leases that an
-- end takes away just now are skipped. Returns the pairs this worker has lost.
CREATE FUNCTION moose.renew_leases(p_worker uuid, p_ids uuid[], p_tokens bigint[], p_lease interval)
RETURNS TABLE (id uuid, token bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    UPDATE moose.leases l SET expires_at = now() + p_lease
    FROM (
        SELECT o.id FROM moose.leases o
        JOIN unnest(p_ids, p_tokens) AS i (id, token) ON i.id = o.id AND i.token = o.token
        ORDER BY o.id FOR NO KEY UPDATE OF o SKIP LOCKED) mine
    WHERE l.id = mine.id;
    RETURN QUERY
        SELECT i.id, i.token
        FROM unnest(p_ids, p_tokens) AS i (id, token)
        LEFT JOIN moose.leases l ON l.id = i.id AND l.token = i.token
        WHERE l.id IS NULL;
END $$;

-- Leases that stand expired now. A sweeper acts only on what it saw expired twice (see LeaseWatch). The expiry, in
-- microseconds, tells a lease that was renewed between two looks from one that was not.
CREATE FUNCTION moose.expired_leases() RETURNS TABLE (id uuid, token bigint, expiry_us bigint) LANGUAGE sql STABLE AS $$
    SELECT l.id, l.token, (extract(epoch FROM l.expires_at) * 1000000)::bigint FROM moose.leases l
    WHERE l.expires_at < now()
    ORDER BY l.id LIMIT 5000
$$;

-- Takes orders back from workers that are gone: retrying, or failed as poison at the third loss. What the attempt
-- cost is unknown, so its hold is presumed spent until a late report corrects it. The first time an order goes on at
-- once; after that at a random moment of half a minute, so that what ran together with a poisonous order doesn't die
-- with it again and again.
CREATE FUNCTION moose.rescue_leases(p_ids uuid[], p_tokens bigint[], p_max_attempts integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_ids uuid[]; v_tokens bigint[]; v_workers uuid[];
    -- What was to be cancelled is not tried again.
    v_cancelled integer := moose.end_cancelled(p_ids, p_tokens);
BEGIN
    -- Of an order that ended in another way, as only a hand in psql does.
    DELETE FROM moose.leases l USING unnest(p_ids, p_tokens) AS i (id, token)
    WHERE l.id = i.id AND l.token = i.token AND l.expires_at < now()
      AND NOT EXISTS (SELECT 1 FROM moose.work_orders w
                      WHERE w.id = l.id AND w.state = 'in_progress' AND w.fencing_token = l.token);
    WITH lost AS (
        SELECT w.id, l.worker, w.started_at,
               -- As many attempts as the order says, else as the worker that claimed it would have made.
               w.attempt >= coalesce(w.max_attempts, moose.attempts_of(l.worker, w.id, w.fencing_token, w.kind),
                                     p_max_attempts) AS is_last
        FROM unnest(p_ids, p_tokens) AS i (id, token)
        JOIN moose.work_orders w ON w.id = i.id AND w.fencing_token = i.token
        JOIN moose.leases l ON l.id = w.id AND l.token = w.fencing_token
        -- One whose cancel came since the look above is ended by the next pass.
        WHERE w.state = 'in_progress' AND l.expires_at < now() AND w.cancel_requested_at IS NULL
        ORDER BY w.id FOR NO KEY UPDATE OF w, l SKIP LOCKED
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
        FROM lost l WHERE w.id = l.id
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

    PERFORM moose.ring(array_agg(w.id), array_agg(w.lane), array_agg(w.run_at))
    FROM moose.work_orders w WHERE w.id = ANY (v_ids) AND w.state = 'retrying';
    PERFORM moose.report(
        moose.event_id(w.id::text, w.fencing_token, 'failed'), 'worker', 'run', 'critical', w.error, w.id,
        'worker_lost', jsonb_build_object('handler', w.kind, 'attempt', w.attempt, 'lane', w.lane,
                                          'poison', w.worker_losses >= 3))
    FROM moose.work_orders w WHERE w.id = ANY (v_ids) AND w.state = 'failed';
    PERFORM moose.reply(v_ids);
    -- One event a lost process, not one an order.
    PERFORM moose.report(
        moose.event_id(l::text, extract(epoch FROM k.last_seen)::bigint, 'worker lost'), 'worker', 'heartbeat', 'warning',
        format('worker process %s on %s stopped without a word; its work was rescued', k.pid, k.host), NULL,
        'worker_lost', jsonb_build_object('worker', l))
    FROM unnest(v_workers) AS l JOIN moose.workers k ON k.id = l;
    PERFORM moose.close_holds(v_ids, v_tokens, NULL, NULL, array_fill(true, ARRAY[cardinality(v_ids)]));
    RETURN cardinality(v_ids) + v_cancelled;
END $$;

-- How many attempts a worker makes of the kind that runs under this claim: the order's own, or the cheap one that it was
-- switched to. NULL: nobody knows any more.
CREATE FUNCTION moose.attempts_of(p_worker uuid, p_order uuid, p_token bigint, p_kind text) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT k.kind_attempts[array_position(k.kinds, coalesce(
               (SELECT h.handler FROM moose.budget_holds h
                WHERE h.owner = p_order AND h.token = p_token AND h.number = 0), p_kind))]
    FROM moose.workers k WHERE k.id = p_worker
$$;

-- Due orders that a worker without their kind has parked and this one knows: it takes them at once, where a doorbell
-- might find a worker without the kind again and again.
CREATE INDEX work_orders_unknown ON moose.work_orders (kind, lane)
    WHERE unknown_since IS NOT NULL;
CREATE FUNCTION moose.parked_unknown(p_kinds text[], p_lanes text[], p_limit integer)
RETURNS TABLE (id uuid, lane text) LANGUAGE sql STABLE AS $$
    SELECT w.id, w.lane FROM moose.work_orders w
    WHERE w.unknown_since IS NOT NULL AND w.state IN ('scheduled', 'pending', 'retrying')
      AND w.kind = ANY (p_kinds) AND w.lane = ANY (p_lanes) AND w.run_at <= now()
    ORDER BY w.run_at LIMIT p_limit
$$;

-- A piece of the safety net: of the orders of a lane in this state, from this place on, what is due, unclaimed and has no
-- doorbell on its way is rung again. It looks at so many, however few of them it rings; next_run_at is empty at the end.
-- p_lane: a lane whose queue is empty; only there an unclaimed order can't still be waiting in the broker.
CREATE FUNCTION moose.sweep(
    p_lane text, p_state text, p_run_at timestamptz, p_id uuid, p_limit integer,
    OUT rung integer, OUT next_run_at timestamptz, OUT next_id uuid
) LANGUAGE plpgsql AS $$
DECLARE
    v_ids uuid[]; v_run_at timestamptz[];
BEGIN
    SELECT array_agg(o.id ORDER BY o.run_at, o.id), array_agg(o.run_at ORDER BY o.run_at, o.id) INTO v_ids, v_run_at
    FROM (SELECT w.id, w.run_at FROM moose.waiting w
          WHERE w.state = p_state AND w.state IN ('scheduled', 'pending', 'retrying') AND w.lane = p_lane
            AND w.run_at < now() - interval '30 seconds'
            AND w.run_at >= p_run_at AND (w.run_at, w.id) > (p_run_at, p_id)
            AND NOT EXISTS (SELECT 1 FROM moose.lanes l WHERE l.name = p_lane AND l.paused_at IS NOT NULL)
          ORDER BY w.run_at, w.id LIMIT p_limit) o;
    next_run_at := v_run_at[p_limit];
    next_id := v_ids[p_limit];
    v_ids := ARRAY(
        SELECT i FROM unnest(v_ids) AS i
        WHERE NOT EXISTS (SELECT 1 FROM moose.outbox x WHERE x.doorbell_for = i)
          AND NOT EXISTS (SELECT 1 FROM moose.gate_waits y WHERE y.work_order_id = i));
    rung := cardinality(v_ids);
    IF rung > 0 THEN
        PERFORM moose.ring(v_ids, array_fill(p_lane, ARRAY[rung]), array_fill(now(), ARRAY[rung]));
    END IF;
END $$;

-- What was told of orders that run for very long: once for each claim and level.
CREATE TABLE moose.stuck_reports (
    work_order_id uuid NOT NULL REFERENCES moose.work_orders (id) ON DELETE CASCADE,
    fencing_token bigint NOT NULL,
    level         text NOT NULL CHECK (level IN ('warned', 'escalated')),
    reported_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (work_order_id, fencing_token, level)
);

-- Tells of orders in progress for longer than these times, the longest first; returns how many were new. It changes
-- no order: whoever runs it may be right.
CREATE FUNCTION moose.report_stuck(p_warned interval, p_escalated interval) RETURNS integer LANGUAGE sql AS $$
    WITH stuck AS (
        SELECT w.id, w.fencing_token, w.kind, w.lane, w.title, l.worker, w.started_at,
               CASE WHEN w.started_at < now() - p_escalated THEN 'escalated' ELSE 'warned' END AS level
        FROM moose.leases l JOIN moose.work_orders w ON w.id = l.id
        WHERE w.state = 'in_progress' AND w.started_at < now() - least(p_warned, p_escalated)
          -- Those that were told of hide no others.
          AND NOT EXISTS (
              SELECT 1 FROM moose.stuck_reports r
              WHERE r.work_order_id = w.id AND r.fencing_token = w.fencing_token
                AND r.level = CASE WHEN w.started_at < now() - p_escalated THEN 'escalated' ELSE 'warned' END)
        ORDER BY w.started_at LIMIT 1000
    ), told AS (
        INSERT INTO moose.stuck_reports (work_order_id, fencing_token, level)
        SELECT s.id, s.fencing_token, s.level FROM stuck s ORDER BY s.id
        ON CONFLICT DO NOTHING
        RETURNING work_order_id, fencing_token, level
    ), reported AS (
        SELECT moose.report(
            moose.event_id(s.id::text, s.fencing_token, 'stuck ' || s.level), 'client-manager', 'stuck',
            CASE s.level WHEN 'escalated' THEN 'critical' ELSE 'warning' END,
            format('in progress since %s', to_char(s.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"')),
            s.id, 'timeout',
            jsonb_build_object('reason', 'stuck', 'handler', s.kind, 'lane', s.lane, 'title', s.title,
                               'worker', s.worker))
        FROM stuck s JOIN told t ON t.work_order_id = s.id AND t.level = s.level
    )
    SELECT count(*)::integer FROM reported
$$;
