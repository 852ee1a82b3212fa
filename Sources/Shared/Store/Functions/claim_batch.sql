-- One verdict for each delivery of a batch, in one commit: dedupe, state, budget hold and lease together.
-- Order of the steps: create missing rows, lock, then read (a neighbour's row is invisible to one single statement).
-- Lock order: work orders by id, then buckets by id. The ids of a batch must be distinct.
--
-- verdict        meaning                                            the caller then
-- run            leased to p_worker under token                     acks and runs it
-- duplicate      leased by a live worker, or settled, or another    acks, drops
--                order holds its unique key
-- later          not due, blocked by a dependency, or held back by  acks; a doorbell rings when it is time
--                a paused lane, a limit or a full key
-- unknown_kind   p_kinds lacks it; parked, a doorbell rings         acks
-- over_budget    refused; state and reason say what follows         acks
-- invalid        dead-lettered here with its error event            acks
CREATE OR REPLACE FUNCTION moose.claim_batch(
    p_worker uuid, p_claim uuid, p_lease interval, p_grace interval,
    -- What this worker can run: per kind its price (nano-USD for each byte of the body on top), its model, and the
    -- kind that does the same work cheaply.
    p_kinds text[], p_kind_estimates bigint[], p_kind_byte_nanos bigint[], p_kind_models text[], p_kind_cheap text[],
    p_ids uuid[], p_doorbells boolean[],
    p_kind text[], p_lane text[], p_title text[], p_project text[], p_agent text[], p_estimates bigint[],
    p_max_attempts integer[], p_timeouts integer[], p_run_at timestamptz[], p_bodies bytea[],
    p_app_id text[], p_reply_to text[], p_correlation_id text[], p_traceparent text[],
    p_dependency_items integer[], p_dependency_ids uuid[],
    -- Empty where no order of the batch has one.
    p_concurrency_keys text[], p_unique_keys text[], p_unique_seconds integer[],
    -- The kinds with limits: so many at once, so many starts in so many seconds, so many of one key at once.
    p_limited_kinds text[], p_limits integer[], p_rates integer[], p_rate_seconds integer[], p_key_limits integer[],
    -- The worker has no slot for any of these and won't have one soon: keep them, ring again in 5 s.
    p_park boolean
) RETURNS TABLE (item integer, verdict text, reason text, token bigint, attempt integer, estimate_u bigint,
                 max_attempts integer, timeout_seconds integer, handler text, kind text,
                 lane text, title text, traceparent text,
                 body bytea)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_items integer := cardinality(p_ids);
    v_park interval := CASE WHEN p_park THEN interval '5 seconds' ELSE least(interval '30 seconds', p_grace) END;
    -- New orders with a dependency that isn't completed, and the first such.
    v_blocked integer[] := '{}'; v_waits_at uuid[];
    -- Lanes that are paused or limited, and new orders that something may hold back: they are judged after the insert.
    v_lanes text[] := ARRAY(SELECT l.name FROM moose.lanes l
                            WHERE l.paused_at IS NOT NULL OR l.concurrency IS NOT NULL OR l.rate IS NOT NULL);
    v_limited text[] := CASE WHEN cardinality(p_limited_kinds) > 0 THEN ARRAY(
        SELECT k.kind FROM unnest(p_limited_kinds, p_limits, p_rates) AS k (kind, concurrency, rate)
        WHERE k.concurrency IS NOT NULL OR k.rate IS NOT NULL) ELSE '{}' END;
    v_gated integer[] := '{}';
    v_judges boolean;
    v_refused_ids uuid[];
    v_held integer[]; v_held_reason text[];
    v_pruned_to uuid; v_pruned uuid[];
    -- What is answered, by category.
    o_item integer[] := '{}'; o_verdict text[] := '{}'; o_reason text[] := '{}';
    -- What was inserted, and what was there before.
    n_item integer[]; n_state text[];
    x_item integer[]; x_verdict text[]; x_token bigint[]; x_project text[]; x_agent text[];
    x_kind text[]; x_bytes integer[]; x_lane text[];
    x_estimate bigint[]; x_run_at timestamptz[];
    -- What may run, in item order.
    r_item integer[]; r_fresh boolean[]; r_token bigint[]; r_estimate bigint[]; r_project text[]; r_agent text[];
    r_kind text[]; r_bytes integer[];
    v_cheap_kind text[]; v_cheap_estimate bigint[];
    v_budget record;
    v_refused boolean;
    v_switched boolean := false;
BEGIN
    -- 1. What waits for a dependency. One that ends before this commit is seen rings nobody: whoever looks at the wait
    -- then finds it (moose.look_at_waits).
    IF cardinality(p_dependency_ids) > 0 THEN
        -- One that completed and was pruned is met, now and for all who look later.
        v_pruned := ARRAY(SELECT f.id FROM moose.find_pruned(p_dependency_ids) f WHERE f.state = 'completed');
        IF v_pruned <> '{}' THEN
            SELECT coalesce(array_agg(d.item), '{}'), coalesce(array_agg(d.id), '{}')
            INTO p_dependency_items, p_dependency_ids
            FROM unnest(p_dependency_items, p_dependency_ids) AS d (item, id) WHERE NOT d.id = ANY (v_pruned);
        END IF;
        SELECT coalesce(array_agg(o.item), '{}'), array_agg(o.id) INTO v_blocked, v_waits_at
        FROM (SELECT DISTINCT ON (d.item) d.item, d.id
              FROM unnest(p_dependency_items, p_dependency_ids) AS d (item, id)
              LEFT JOIN moose.work_orders w ON w.id = d.id
              WHERE w.state IS DISTINCT FROM 'completed'
              ORDER BY d.item, d.id) o;
    END IF;

    IF v_lanes <> '{}' OR v_limited <> '{}' OR cardinality(p_concurrency_keys) > 0
        OR cardinality(p_unique_keys) > 0 THEN
        v_gated := ARRAY(
            SELECT i.item FROM unnest(p_doorbells, p_lane, p_kind, p_concurrency_keys, p_unique_keys)
                                   WITH ORDINALITY AS i (doorbell, lane, kind, concurrency_key, unique_key, item)
            WHERE NOT i.doorbell AND (i.lane = ANY (v_lanes) OR i.kind = ANY (v_limited)
                                      OR i.concurrency_key IS NOT NULL OR i.unique_key IS NOT NULL));
    END IF;
    v_judges := v_lanes <> '{}' OR v_limited <> '{}' OR v_gated <> '{}';

    -- 2. New work orders are written in the state they take at once: in progress, unless something speaks against it.
    WITH fresh AS (
        INSERT INTO moose.work_orders (
            id, state, kind, lane, title, project, agent, estimate_u, max_attempts, timeout_seconds, run_at,
            body, digest, app_id, reply_to, correlation_id, traceparent, concurrency_key, unique_key,
            attempt, fencing_token, started_at, unknown_since)
        SELECT i.id, s.state, i.kind, i.lane, i.title, i.project, i.agent, i.estimate, i.max_attempts, i.timeout,
               coalesce(i.run_at, now()), i.body, substr(sha256(i.body), 1, 16), i.app_id, i.reply_to,
               i.correlation_id, i.traceparent, i.concurrency_key, i.unique_key,
               s.runs::integer, s.runs::integer,
               CASE WHEN s.runs THEN now() END, CASE WHEN NOT s.known THEN now() END
        FROM unnest(p_ids, p_doorbells, p_kind, p_lane, p_title, p_project, p_agent, p_estimates, p_max_attempts,
                    p_timeouts, p_run_at, p_bodies, p_app_id, p_reply_to, p_correlation_id, p_traceparent,
                    p_concurrency_keys, p_unique_keys)
             WITH ORDINALITY AS i (id, doorbell, kind, lane, title, project, agent, estimate, max_attempts, timeout,
                                   run_at, body, app_id, reply_to, correlation_id, traceparent, concurrency_key,
                                   unique_key, item)
        CROSS JOIN LATERAL (
            SELECT t.state, t.known, t.state = 'in_progress' AS runs
            FROM (SELECT i.kind = ANY (p_kinds) AS known,
                         CASE WHEN i.item = ANY (v_blocked) THEN 'blocked'
                              WHEN i.run_at > now() THEN 'scheduled'
                              WHEN p_park OR NOT i.kind = ANY (p_kinds) OR i.item = ANY (v_gated) THEN 'pending'
                              ELSE 'in_progress' END AS state) t) s
        WHERE NOT i.doorbell
        ORDER BY i.id
        ON CONFLICT (id) DO NOTHING
        RETURNING id, state
    )
    SELECT coalesce(array_agg(i.item ORDER BY i.item), '{}'), coalesce(array_agg(f.state ORDER BY i.item), '{}')
    INTO n_item, n_state
    FROM fresh f
    JOIN unnest(p_ids) WITH ORDINALITY AS i (id, item) ON i.id = f.id;
    -- An id that was pruned is not new. Ids rise with time, so as a rule none of a batch needs to be looked up.
    v_pruned_to := (SELECT p.id FROM moose.pruned_orders p ORDER BY p.id DESC LIMIT 1);
    IF v_pruned_to >= ANY (p_ids) AND n_item <> '{}' THEN
        v_pruned := moose.take_back_pruned(ARRAY(SELECT p_ids[n.item] FROM unnest(n_item) AS n (item)));
        IF v_pruned <> '{}' THEN
            SELECT coalesce(array_agg(n.item ORDER BY n.nth), '{}'), coalesce(array_agg(n.state ORDER BY n.nth), '{}')
            INTO n_item, n_state
            FROM unnest(n_item, n_state) WITH ORDINALITY AS n (item, state, nth)
            WHERE NOT p_ids[n.item] = ANY (v_pruned);
        END IF;
    END IF;

    SELECT coalesce(array_agg(n.item), '{}'), array_agg(true), array_agg(1::bigint),
           array_agg(p_estimates[n.item]), array_agg(p_project[n.item]), array_agg(p_agent[n.item]),
           array_agg(p_kind[n.item]), array_agg(octet_length(p_bodies[n.item]))
    INTO r_item, r_fresh, r_token, r_estimate, r_project, r_agent, r_kind, r_bytes
    FROM unnest(n_item, n_state) AS n (item, state) WHERE n.state = 'in_progress';

    IF cardinality(r_item) < cardinality(n_item) THEN
        IF cardinality(p_unique_keys) > 0 THEN
            SELECT moose.hold_unique_keys(
                       array_agg(p_ids[n.item] ORDER BY n.item), array_agg(p_unique_keys[n.item] ORDER BY n.item),
                       array_agg(p_unique_seconds[n.item] ORDER BY n.item))
            INTO v_refused_ids
            FROM unnest(n_item) AS n (item) WHERE p_unique_keys[n.item] IS NOT NULL;
        END IF;
        INSERT INTO moose.work_order_dependencies (work_order_id, depends_on)
        SELECT p_ids[d.item], d.id
        FROM unnest(p_dependency_items, p_dependency_ids) AS d (item, id) WHERE d.item = ANY (n_item)
        ON CONFLICT DO NOTHING;
        IF v_blocked <> '{}' THEN
            PERFORM moose.wait_at(array_agg(p_ids[i.item]), array_agg(i.at))
            FROM unnest(v_blocked, v_waits_at) AS i (item, at) WHERE i.item = ANY (n_item);
        END IF;
        n_state := ARRAY(
            SELECT CASE WHEN p_ids[n.item] = ANY (v_refused_ids) THEN 'unique_key'
                        WHEN n.state = 'pending' AND NOT p_park AND n.item = ANY (v_gated)
                            AND p_kind[n.item] = ANY (p_kinds) THEN 'gated'
                        ELSE n.state END
            FROM unnest(n_item, n_state) WITH ORDINALITY AS n (item, state, nth) ORDER BY n.nth);
        PERFORM moose.ring(array_agg(p_ids[n.item]), array_agg(p_lane[n.item]),
                           array_agg(CASE n.state WHEN 'scheduled' THEN p_run_at[n.item] ELSE now() + v_park END))
        FROM unnest(n_item, n_state) AS n (item, state) WHERE n.state IN ('scheduled', 'pending');
        SELECT o_item || coalesce(array_agg(n.item), '{}'),
               o_verdict || coalesce(array_agg(CASE
                   WHEN n.state = 'pending' AND NOT p_park THEN 'unknown_kind'
                   WHEN n.state = 'unique_key' THEN 'duplicate'
                   ELSE 'later' END), '{}'),
               o_reason || coalesce(array_agg(n.state), '{}')
        INTO o_item, o_verdict, o_reason
        FROM unnest(n_item, n_state) AS n (item, state) WHERE n.state NOT IN ('in_progress', 'gated');
    END IF;

    -- 3. What was there before is locked in id order and judged by its row; the message only rang the bell.
    IF cardinality(n_item) < v_items THEN
        -- Locked in one statement and read in the next: a try of this claim that still ran holds them until its leases
        -- can be seen.
        PERFORM 1 FROM moose.work_orders o WHERE o.id = ANY (p_ids) ORDER BY o.id FOR NO KEY UPDATE;
        SELECT coalesce(array_agg(j.item), '{}'), array_agg(j.verdict), array_agg(j.token), array_agg(j.project),
               array_agg(j.agent), array_agg(j.bytes), array_agg(j.kind), array_agg(j.lane),
               array_agg(j.estimate), array_agg(j.run_at),
               v_judges OR bool_or(j.is_gated) OR EXISTS (SELECT 1 FROM moose.gate_waits)
        INTO x_item, x_verdict, x_token, x_project, x_agent, x_bytes, x_kind, x_lane, x_estimate, x_run_at, v_judges
        FROM (
            SELECT i.item, w.fencing_token AS token, w.project, w.agent, w.bytes, w.kind, w.lane, w.run_at, w.is_gated,
                   coalesce(w.estimate_u, moose.price(
                       p_kind_estimates[array_position(p_kinds, w.kind)],
                       p_kind_byte_nanos[array_position(p_kinds, w.kind)], w.bytes)) AS estimate,
                   CASE
                       WHEN w.id IS NULL THEN 'unknown_work_order'
                       -- Cancelled before its message came: there is no body to compare with.
                       WHEN w.digest = '' THEN 'duplicate'
                       WHEN NOT p_doorbells[i.item] AND w.digest <> substr(sha256(p_bodies[i.item]), 1, 16)
                           THEN 'id_reused'
                       WHEN w.state = 'in_progress' AND EXISTS (
                           SELECT 1 FROM moose.leases l WHERE l.id = w.id AND l.claim = p_claim) THEN 'replay'
                       WHEN w.state NOT IN ('scheduled', 'pending', 'retrying', 'awaiting_budget') THEN 'duplicate'
                       WHEN p_park OR w.run_at > now() AND w.state <> 'awaiting_budget' THEN 'later'
                       WHEN w.kind = ANY (p_kinds) THEN
                           CASE WHEN coalesce(w.estimate_u, p_kind_estimates[array_position(p_kinds, w.kind)]) IS NULL
                                THEN 'unknown_price' ELSE 'run' END
                       WHEN now() - coalesce(w.unknown_since, now()) >= p_grace AND NOT moose.kind_is_known(w.kind)
                           THEN 'give_up'
                       ELSE 'unknown_kind'
                   END AS verdict
            FROM unnest(p_ids) WITH ORDINALITY AS i (id, item)
            LEFT JOIN (
                SELECT o.id, o.state, o.fencing_token, o.project, o.agent,
                       octet_length(o.body) AS bytes, o.kind, o.lane, o.run_at, o.estimate_u, o.digest,
                       o.unknown_since,
                       o.concurrency_key IS NOT NULL OR o.gates IS NOT NULL AS is_gated
                FROM moose.work_orders o
                WHERE o.id = ANY (p_ids)) w ON w.id = i.id
            WHERE NOT i.item = ANY (n_item)
            ORDER BY i.item
        ) j;
        IF 'unknown_work_order' = ANY (x_verdict) THEN
            x_verdict := ARRAY(
                SELECT CASE WHEN x.verdict <> 'unknown_work_order' OR f.id IS NULL THEN x.verdict
                            WHEN f.digest = '' OR p_doorbells[x.item]
                                 OR f.digest = substr(sha256(p_bodies[x.item]), 1, 16)
                            THEN 'duplicate' ELSE 'id_reused' END
                FROM unnest(x_item, x_verdict) WITH ORDINALITY AS x (item, verdict, nth)
                LEFT JOIN moose.find_pruned(p_ids) f ON f.id = p_ids[x.item] ORDER BY x.nth);
        END IF;

        SELECT o_item || coalesce(array_agg(x.item), '{}'),
               o_verdict || coalesce(array_agg(CASE
                   WHEN x.verdict = 'replay' THEN 'run'
                   WHEN x.verdict IN ('duplicate', 'later', 'unknown_kind') THEN x.verdict
                   ELSE 'invalid' END), '{}'),
               o_reason || coalesce(array_agg(x.verdict), '{}')
        INTO o_item, o_verdict, o_reason
        FROM unnest(x_item, x_verdict) AS x (item, verdict) WHERE x.verdict <> 'run';

        SELECT r_item || coalesce(array_agg(x.item), '{}'), r_fresh || coalesce(array_agg(false), '{}'),
               r_token || coalesce(array_agg(x.token + 1), '{}'),
               r_estimate || coalesce(array_agg(x.estimate), '{}'),
               r_project || coalesce(array_agg(x.project), '{}'), r_agent || coalesce(array_agg(x.agent), '{}'),
               r_kind || coalesce(array_agg(x.kind), '{}'), r_bytes || coalesce(array_agg(x.bytes), '{}')
        INTO r_item, r_fresh, r_token, r_estimate, r_project, r_agent, r_kind, r_bytes
        FROM unnest(x_item, x_verdict, x_token, x_estimate, x_project, x_agent, x_kind, x_bytes)
             AS x (item, verdict, token, estimate, project, agent, kind, bytes)
        WHERE x.verdict = 'run';

        IF EXISTS (SELECT 1 FROM unnest(x_verdict) AS v WHERE v IN ('later', 'unknown_kind')) THEN
            UPDATE moose.work_orders w SET unknown_since = now()
            FROM unnest(x_item, x_verdict) AS x (item, verdict)
            WHERE w.id = p_ids[x.item] AND x.verdict = 'unknown_kind' AND w.unknown_since IS NULL;
            PERFORM moose.ring(array_agg(p_ids[x.item]), array_agg(x.lane),
                               array_agg(CASE x.verdict WHEN 'later' THEN
                                   greatest(x.run_at, CASE WHEN p_park THEN now() + v_park END)
                               ELSE now() + v_park END))
            FROM unnest(x_item, x_verdict, x_lane, x_run_at) AS x (item, verdict, lane, run_at)
            WHERE x.verdict IN ('later', 'unknown_kind');
        END IF;

        IF EXISTS (SELECT 1 FROM unnest(x_verdict) AS v
                   WHERE v IN ('id_reused', 'unknown_work_order', 'unknown_price', 'give_up')) THEN
            PERFORM moose.refuse_claims(
                array_agg(p_ids[x.item]), array_agg(CASE x.verdict WHEN 'give_up' THEN 'unknown_kind'
                                                                   ELSE x.verdict END),
                array_agg(coalesce(p_bodies[x.item], '')))
            FROM unnest(x_item, x_verdict) AS x (item, verdict)
            WHERE x.verdict IN ('id_reused', 'unknown_work_order', 'unknown_price', 'give_up');
        END IF;
    END IF;

    -- 3a. Pauses, limits and keys: what they hold back waits at its gate, and whoever frees it rings.
    IF v_judges THEN
        SELECT r_item || coalesce(array_agg(n.item), '{}'), r_fresh || coalesce(array_agg(false), '{}'),
               r_token || coalesce(array_agg(1::bigint), '{}'),
               r_estimate || coalesce(array_agg(p_estimates[n.item]), '{}'),
               r_project || coalesce(array_agg(p_project[n.item]), '{}'),
               r_agent || coalesce(array_agg(p_agent[n.item]), '{}'),
               r_kind || coalesce(array_agg(p_kind[n.item]), '{}'),
               r_bytes || coalesce(array_agg(octet_length(p_bodies[n.item])), '{}')
        INTO r_item, r_fresh, r_token, r_estimate, r_project, r_agent, r_kind, r_bytes
        FROM unnest(n_item, n_state) AS n (item, state) WHERE n.state = 'gated';
        SELECT array_agg(i.item), array_agg(h.reason) INTO v_held, v_held_reason
        FROM moose.pass_gates(
                 ARRAY(SELECT p_ids[r.item] FROM unnest(r_item, r_fresh) AS r (item, fresh)
                       WHERE NOT r.fresh ORDER BY r.item),
                 p_limited_kinds, p_limits, p_rates, p_rate_seconds, p_key_limits) h
        JOIN unnest(p_ids) WITH ORDINALITY AS i (id, item) ON i.id = h.id;
        IF v_held IS NOT NULL THEN
            o_item := o_item || v_held;
            o_verdict := o_verdict || array_fill('later'::text, ARRAY[cardinality(v_held)]);
            o_reason := o_reason || v_held_reason;
            SELECT coalesce(array_agg(r.item), '{}'), array_agg(r.fresh), array_agg(r.token), array_agg(r.estimate),
                   array_agg(r.project), array_agg(r.agent), array_agg(r.kind), array_agg(r.bytes)
            INTO r_item, r_fresh, r_token, r_estimate, r_project, r_agent, r_kind, r_bytes
            FROM unnest(r_item, r_fresh, r_token, r_estimate, r_project, r_agent, r_kind, r_bytes)
                 AS r (item, fresh, token, estimate, project, agent, kind, bytes)
            WHERE NOT r.item = ANY (v_held);
        END IF;
    END IF;

    -- 4. Money before work: one hold an item, or no work.
    IF cardinality(r_item) > 0 THEN
        IF cardinality(array_remove(p_kind_cheap, NULL)) > 0 THEN
            SELECT array_agg(c.kind ORDER BY c.n), array_agg(moose.price(
                       p_kind_estimates[array_position(p_kinds, c.kind)],
                       p_kind_byte_nanos[array_position(p_kinds, c.kind)], c.bytes) ORDER BY c.n)
            INTO v_cheap_kind, v_cheap_estimate
            FROM (SELECT p_kind_cheap[array_position(p_kinds, r.kind)] AS kind, r.bytes, r.n
                  FROM unnest(r_kind, r_bytes) WITH ORDINALITY AS r (kind, bytes, n)) c;
        END IF;
        v_budget := moose.reserve_batch(
            ARRAY(SELECT p_ids[r.item] FROM unnest(r_item) WITH ORDINALITY AS r (item, n) ORDER BY r.n),
            r_token, r_estimate, r_project, r_agent, r_kind,
            ARRAY(SELECT p_kind_models[array_position(p_kinds, r.kind)]
                  FROM unnest(r_kind) WITH ORDINALITY AS r (kind, n) ORDER BY r.n),
            v_cheap_estimate, v_cheap_kind,
            CASE WHEN v_cheap_kind IS NOT NULL THEN
                ARRAY(SELECT p_kind_models[array_position(p_kinds, r.kind)]
                      FROM unnest(v_cheap_kind) WITH ORDINALITY AS r (kind, n) ORDER BY r.n) END);
        v_refused := 'refused' = ANY (v_budget.status);

        INSERT INTO moose.leases (id, token, worker, claim, expires_at)
        SELECT p_ids[r.item], r.token, p_worker, p_claim, now() + p_lease
        FROM unnest(r_item, r_token, v_budget.status) AS r (item, token, status) WHERE r.status <> 'refused'
        ORDER BY 1;
        UPDATE moose.work_orders w
        SET state = 'in_progress', fencing_token = r.token, attempt = w.attempt + 1, started_at = now(),
            estimate_u = r.estimate
        FROM unnest(r_item, r_fresh, r_token, r_estimate, v_budget.status) AS r (item, fresh, token, estimate, status)
        WHERE w.id = p_ids[r.item] AND NOT r.fresh AND r.status <> 'refused';
        IF false = ANY (r_fresh) THEN
            -- One whose cancel was asked for under an earlier lease.
            UPDATE moose.leases l SET to_stop = true FROM moose.work_orders w
            WHERE w.id = ANY (p_ids) AND w.cancel_requested_at IS NOT NULL AND l.id = w.id AND l.claim = p_claim;
        END IF;

        IF v_refused THEN
            PERFORM moose.refuse_budget(
                array_agg(p_ids[r.item]), array_agg(r.token), array_agg(r.fresh), array_agg(r.reason),
                array_agg(r.estimate), array_agg(least(r.estimate, r.cheap)), array_agg(r.project),
                array_agg(r.agent), array_agg(r.kind), array_agg(p_kind_models[array_position(p_kinds, r.kind)]))
            FROM unnest(r_item, r_fresh, r_token, r_estimate, v_cheap_estimate, r_project, r_agent, r_kind,
                        v_budget.status, v_budget.reason)
                 AS r (item, fresh, token, estimate, cheap, project, agent, kind, status, reason)
            WHERE r.status = 'refused';
        END IF;

        SELECT o_item || array_agg(r.item),
               o_verdict || array_agg(CASE r.status WHEN 'refused' THEN 'over_budget' ELSE 'run' END),
               o_reason || array_agg(coalesce(r.reason, r.status)), true = ANY (v_budget.switched)
        INTO o_item, o_verdict, o_reason, v_switched
        FROM unnest(r_item, v_budget.status, v_budget.reason) AS r (item, status, reason);
    END IF;

    IF cardinality(n_item) = v_items AND NOT v_switched THEN
        RETURN QUERY
            SELECT o.item, o.verdict, o.reason, 1::bigint, 1, p_estimates[o.item], NULL::integer, NULL::integer,
                   NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::bytea
            FROM unnest(o_item, o_verdict, o_reason) AS o (item, verdict, reason);
    ELSE
        RETURN QUERY
            SELECT o.item, o.verdict, o.reason, w.fencing_token, w.attempt, coalesce(h.estimate_u, w.estimate_u),
                   w.max_attempts, w.timeout_seconds, coalesce(h.handler, w.kind), w.kind, w.lane, w.title,
                   w.traceparent, w.body
            FROM unnest(o_item, o_verdict, o_reason) AS o (item, verdict, reason)
            LEFT JOIN moose.work_orders w ON w.id = p_ids[o.item] AND o.verdict = 'run'
            LEFT JOIN moose.budget_holds h ON h.owner = w.id AND h.token = w.fencing_token AND h.number = 0;
    END IF;
END $$;
