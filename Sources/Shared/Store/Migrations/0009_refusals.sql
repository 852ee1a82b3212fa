-- What a claim does with what it can't run. None of this is on the hot path; all of it commits with the claim.

-- Orders the budget refused. never_fits fails for good, one event an order. All others wait for money (see
-- wake_for_money); one event per bucket, reason and window, however many are refused.
-- p_least: the smallest amount that would let each run.
CREATE FUNCTION moose.refuse_budget(
    p_ids uuid[], p_tokens bigint[], p_fresh boolean[], p_reasons text[], p_estimates bigint[], p_least bigint[],
    p_projects text[], p_agents text[], p_handlers text[], p_models text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_bucket record;
BEGIN
    -- Those that waited for money before and were let through their gates don't change their state: see check_transition.
    PERFORM moose.leave_line(w.id, w.gates) FROM moose.work_orders w
    WHERE w.id = ANY (p_ids) AND w.state = 'awaiting_budget' AND w.gates IS NOT NULL;
    UPDATE moose.work_orders w
    SET state = CASE r.reason WHEN 'never_fits' THEN 'failed' ELSE 'awaiting_budget' END,
        attempt = CASE WHEN r.fresh THEN 0 ELSE w.attempt END,
        started_at = CASE WHEN r.fresh THEN NULL ELSE w.started_at END,
        estimate_u = r.estimate,
        waits_on = CASE WHEN r.reason <> 'never_fits' THEN r.policies END,
        waits_for_u = CASE WHEN r.reason <> 'never_fits' THEN r.least END,
        error = 'budget refused: ' || r.reason,
        failure_class = 'budget_exceeded',
        letter_reason = CASE r.reason WHEN 'never_fits' THEN r.reason END,
        finished_at = CASE r.reason WHEN 'never_fits' THEN now() END
    FROM (SELECT i.*, ARRAY(
              SELECT p.id FROM moose.budget_policies p
              WHERE (p.scope = 'org' OR p.scope = 'project' AND p.name = i.project
                     OR p.scope = 'agent' AND p.name = i.agent OR p.scope = 'handler' AND p.name = i.handler
                     OR p.scope = 'model' AND p.name = i.model)
                AND NOT (p.period = 'day' AND p.scope IN ('org', 'project')
                         AND EXISTS (SELECT 1 FROM moose.budget_exempt_agents x WHERE x.agent = i.agent))
              ORDER BY p.id) AS policies
          FROM unnest(p_ids, p_fresh, p_reasons, p_estimates, p_least, p_projects, p_agents, p_handlers, p_models)
               AS i (id, fresh, reason, estimate, least, project, agent, handler, model)) r
    WHERE w.id = r.id;

    PERFORM moose.report(
        -- Told once, for the order has failed with this commit; and again should it be retried.
        gen_random_uuid(), 'worker', 'reserve', 'critical',
        format('an estimate of $%s is above the cap of a budget it counts against', moose.dollars(r.estimate)),
        r.id, 'budget_exceeded', jsonb_build_object('reason', 'never_fits', 'handler', w.kind))
    FROM unnest(p_ids, p_tokens, p_reasons, p_estimates) AS r (id, token, reason, estimate)
    JOIN moose.work_orders w ON w.id = r.id
    WHERE r.reason = 'never_fits';
    PERFORM moose.reply(ARRAY(SELECT r.id FROM unnest(p_ids, p_reasons) AS r (id, reason) WHERE r.reason = 'never_fits'));

    -- Beyond the kill limit: critical, once a window. Money that is only on hold, and a freeze, are warnings.
    FOR v_bucket IN
        SELECT b.id, b.window_end, l.scope, l.name, l.period, l.cap_u, l.frozen, n.reason, n.example,
               (SELECT f.since FROM moose.budget_freezes f WHERE f.scope = l.scope AND f.name = l.name) AS frozen_since
        FROM (SELECT w.waits_on, r.reason, min(w.waits_for_u) AS least, (array_agg(w.id))[1] AS example
              FROM unnest(p_ids, p_reasons) AS r (id, reason) JOIN moose.work_orders w ON w.id = r.id
              WHERE r.reason <> 'never_fits' GROUP BY 1, 2) n
        JOIN moose.budget_limits l ON l.id = ANY (n.waits_on)
        CROSS JOIN LATERAL moose.budget_window(l.period, l.time_zone, now()) u
        JOIN moose.budget_buckets b ON b.policy_id = l.id AND b.window_start = u.window_start AND NOT b.exempt
        WHERE CASE n.reason WHEN 'frozen' THEN l.frozen WHEN 'spent' THEN b.posted_u + n.least > l.cap_u
                            ELSE b.held_u + b.posted_u + n.least > l.cap_u END
          AND NOT n.reason = ANY (b.reported)
        ORDER BY b.id
    LOOP
        UPDATE moose.budget_buckets b SET reported = b.reported || v_bucket.reason
        WHERE b.id = v_bucket.id AND NOT v_bucket.reason = ANY (b.reported);
        CONTINUE WHEN NOT FOUND;
        PERFORM moose.report(
            -- Another cap is news, and so is another freeze.
            moose.event_id('bucket ' || v_bucket.id || coalesce(' ' || extract(epoch FROM v_bucket.frozen_since), ''),
                           coalesce(v_bucket.cap_u, 0), v_bucket.reason), 'worker', 'reserve',
            CASE v_bucket.reason WHEN 'spent' THEN 'critical' ELSE 'warning' END,
            CASE v_bucket.reason
                WHEN 'frozen' THEN format('%s %s is frozen; its orders wait until it is unfrozen', v_bucket.scope,
                                          v_bucket.name)
                ELSE format('the %s budget of %s %s refuses work (%s): its cap is $%s; orders wait until %s or a raise',
                            v_bucket.period, v_bucket.scope, v_bucket.name, v_bucket.reason,
                            moose.dollars(v_bucket.cap_u), v_bucket.window_end) END,
            v_bucket.example, 'budget_exceeded',
            jsonb_build_object('reason', v_bucket.reason, 'scope', v_bucket.scope, 'name', v_bucket.name,
                               'period', v_bucket.period));
    END LOOP;
END $$;

-- What one process at a time does: who holds the row does it. place: where a round that goes in pieces goes on.
CREATE TABLE moose.turns (
    name  text PRIMARY KEY CHECK (octet_length(name) <= 63),
    place text NOT NULL DEFAULT ''
) WITH (fillfactor = 50);
INSERT INTO moose.turns (name)
VALUES ('wake_for_money'), ('wake_gates'), ('tidy_gate_waits'), ('tidy_gates'), ('review_waits');

-- The place to go on from; NULL: another process is at it.
CREATE FUNCTION moose.take_turn(p_name text) RETURNS text LANGUAGE sql AS $$
    SELECT t.place FROM moose.turns t WHERE t.name = p_name FOR NO KEY UPDATE SKIP LOCKED
$$;

-- Wakes orders that wait for money, oldest first, as many as there is money for now: a new window, a raise, a hold
-- given back or an unfreeze needs no other signal, and nothing stampedes. One process at a time; the others return 0.
-- An order that would fit but for running work keeps its place: no younger one of the same budget passes it.
-- What no longer fits at all, as after a cap was lowered, is refused as a claim would refuse it.
CREATE FUNCTION moose.wake_for_money() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_policy bigint[]; v_free bigint[]; v_free_of_holds bigint[];
    v_order record;
    v_wake uuid[] := '{}';
    v_lacks integer[];
    v_dear uuid[]; v_tokens bigint[]; v_estimates bigint[]; v_kinds text[];
    k integer;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM moose.work_orders w WHERE w.waits_on IS NOT NULL)
        OR moose.take_turn('wake_for_money') IS NULL THEN
        RETURN 0;
    END IF;

    WITH RECURSIVE path AS (
        (SELECT w.waits_on FROM moose.work_orders w WHERE w.waits_on IS NOT NULL ORDER BY w.waits_on LIMIT 1)
        UNION ALL
        SELECT (SELECT w.waits_on FROM moose.work_orders w WHERE w.waits_on > p.waits_on ORDER BY w.waits_on LIMIT 1)
        FROM path p WHERE p.waits_on IS NOT NULL
    )
    SELECT array_agg(d.id), array_agg(d.fencing_token + 1), array_agg(d.estimate_u), array_agg(d.kind)
    INTO v_dear, v_tokens, v_estimates, v_kinds
    FROM (SELECT o.*
          FROM path p
          CROSS JOIN LATERAL (SELECT min(l.cap_u) AS cap FROM moose.budget_limits l WHERE l.id = ANY (p.waits_on)) c
          CROSS JOIN LATERAL (
              SELECT w.id, w.fencing_token, w.estimate_u, w.kind FROM moose.work_orders w
              WHERE w.waits_on = p.waits_on AND w.estimate_u > c.cap AND w.state = 'awaiting_budget'
              -- In the order of the index, which makes the look one probe.
              ORDER BY w.estimate_u DESC LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED) o
          WHERE p.waits_on IS NOT NULL LIMIT 500) d;
    IF v_dear IS NOT NULL THEN
        PERFORM moose.refuse_budget(
            v_dear, v_tokens, array_fill(false, ARRAY[cardinality(v_dear)]),
            array_fill('never_fits'::text, ARRAY[cardinality(v_dear)]), v_estimates, v_estimates,
            array_fill(NULL::text, ARRAY[cardinality(v_dear)]), array_fill(NULL::text, ARRAY[cardinality(v_dear)]),
            v_kinds, array_fill(NULL::text, ARRAY[cardinality(v_dear)]));
    END IF;

    -- What is free in each budget, less what orders woken a moment ago are about to take.
    SELECT array_agg(l.id), array_agg(CASE WHEN l.frozen THEN -1 WHEN l.cap_u IS NULL THEN 9e18::bigint
               ELSE l.cap_u - coalesce(b.held_u + b.posted_u, 0) - coalesce(k.amount, 0) END),
           array_agg(CASE WHEN l.frozen THEN -1 WHEN l.cap_u IS NULL THEN 9e18::bigint
                     ELSE l.cap_u - coalesce(b.posted_u, 0) END)
    INTO v_policy, v_free, v_free_of_holds
    FROM moose.budget_limits l
    CROSS JOIN LATERAL moose.budget_window(l.period, l.time_zone, now()) u
    LEFT JOIN moose.budget_buckets b ON b.policy_id = l.id AND b.window_start = u.window_start AND NOT b.exempt
    LEFT JOIN (SELECT p.id, sum(w.waits_for_u)::bigint AS amount
               FROM moose.waiting x JOIN moose.work_orders w ON w.id = x.id, unnest(w.waits_on) AS p (id)
               WHERE x.state = 'pending' AND x.run_at > now() - interval '30 seconds' AND w.waits_on IS NOT NULL
               GROUP BY 1) k ON k.id = l.id;

    -- The oldest of every path whose budgets all have something left, found by skipping from one path to the next.
    FOR v_order IN
        WITH RECURSIVE path AS (
            (SELECT w.waits_on FROM moose.work_orders w WHERE w.waits_on IS NOT NULL ORDER BY w.waits_on LIMIT 1)
            UNION ALL
            SELECT (SELECT w.waits_on FROM moose.work_orders w
                    WHERE w.waits_on > p.waits_on ORDER BY w.waits_on LIMIT 1)
            FROM path p WHERE p.waits_on IS NOT NULL
        )
        SELECT w.id, w.need, b.budgets
        FROM path p
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(f.n), '{}') AS budgets, min(f.free) AS least, min(f.free_of_holds) AS reach
            FROM unnest(v_policy, v_free, v_free_of_holds) WITH ORDINALITY AS f (policy, free, free_of_holds, n)
            WHERE f.policy = ANY (p.waits_on)) b
        CROSS JOIN LATERAL (
            SELECT o.id, o.waits_for_u AS need, o.created_at FROM moose.work_orders o
            WHERE o.waits_on = p.waits_on AND o.state = 'awaiting_budget'
              -- What is too dear for this window, however many, hides nothing that fits.
              AND o.waits_for_u <= coalesce(b.reach, o.waits_for_u)
            ORDER BY o.created_at, o.id LIMIT 100) w
        WHERE coalesce(b.least, 1) > 0
        ORDER BY w.created_at, w.id
    LOOP
        v_lacks := '{}';
        FOREACH k IN ARRAY v_order.budgets LOOP
            IF v_order.need > v_free[k] THEN v_lacks := v_lacks || k; END IF;
        END LOOP;
        IF v_lacks = '{}' THEN
            v_wake := v_wake || v_order.id;
            FOREACH k IN ARRAY v_order.budgets LOOP v_free[k] := v_free[k] - v_order.need; END LOOP;
            EXIT WHEN cardinality(v_wake) >= 1000;
        ELSE
            FOREACH k IN ARRAY v_lacks LOOP
                -- Running work may give it back: nobody younger takes from this budget meanwhile.
                IF v_order.need <= v_free_of_holds[k] THEN v_free[k] := 0; END IF;
            END LOOP;
        END IF;
    END LOOP;

    WITH woken AS (
        UPDATE moose.work_orders w SET state = 'pending', run_at = now()
        WHERE w.id IN (SELECT o.id FROM moose.work_orders o WHERE o.id = ANY (v_wake) AND o.state = 'awaiting_budget'
                       ORDER BY o.id FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING w.id, w.lane, w.run_at, w.created_at
    )
    SELECT array_agg(w.id) INTO v_wake
    -- Rung in the order of their age: the relay publishes what is due first, first.
    FROM (SELECT w.id, moose.ring(ARRAY[w.id], ARRAY[w.lane], ARRAY[w.run_at + w.nth * interval '1 microsecond'])
          FROM (SELECT *, row_number() OVER (ORDER BY created_at, id) AS nth FROM woken) w ORDER BY w.nth) w;
    RETURN coalesce(cardinality(v_wake), 0);
END $$;

-- Claims that can never run: a dead letter each, with its error event; the order itself fails where it is at fault
-- (bury_order then writes its letter).
CREATE FUNCTION moose.refuse_claims(p_ids uuid[], p_reasons text[], p_bodies bytea[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE moose.work_orders w
    SET state = 'failed', failure_class = 'invalid_input', letter_reason = r.reason, finished_at = now(),
        error = CASE r.reason WHEN 'unknown_kind' THEN 'no live worker knows the kind ' || w.kind
                ELSE 'no estimate, and the kind ' || w.kind || ' has no default price' END
    FROM unnest(p_ids, p_reasons) AS r (id, reason)
    WHERE w.id = r.id AND r.reason IN ('unknown_kind', 'unknown_price');
    PERFORM moose.report(
        -- Each failure has a letter of its own, also of an order that was retried without a claim between.
        moose.event_id('dead letter ' || d.id, w.fencing_token, r.reason), 'worker', 'intake', 'warning',
        format('dead letter (%s): %s', r.reason, w.error), w.id, 'invalid_input',
        jsonb_build_object('reason', r.reason, 'dead_letter', d.id, 'handler', w.kind, 'lane', w.lane))
    FROM unnest(p_ids, p_reasons) AS r (id, reason) JOIN moose.work_orders w ON w.id = r.id
    JOIN moose.dead_letters d ON d.work_order_id = w.id AND d.is_order AND d.state = 'dead'
    WHERE r.reason IN ('unknown_kind', 'unknown_price');

    PERFORM moose.bury_batch(
        array_agg(r.reason),
        array_agg(CASE r.reason
            WHEN 'id_reused' THEN 'this id was published before with another body'
            ELSE 'a doorbell for a work order that is not in the database' END),
        array_agg(r.id), array_agg(w.kind), array_agg(w.lane), array_agg('moose.work'::text), array_agg(w.lane),
        array_agg(r.body), array_agg(format('{"message_id": "%s"}', r.id)), array_agg(false))
    FROM unnest(p_ids, p_reasons, p_bodies) AS r (id, reason, body)
    LEFT JOIN moose.work_orders w ON w.id = r.id
    -- A claim is asked again when its answer was lost, and a message comes again when its acknowledgement was: its
    -- letter stands once.
    WHERE r.reason NOT IN ('unknown_kind', 'unknown_price')
      AND NOT EXISTS (SELECT 1 FROM moose.dead_letters d WHERE d.work_order_id = r.id AND d.reason = r.reason
                      AND d.body = r.body AND d.state = 'dead')
    HAVING count(*) > 0;
    PERFORM moose.reply(ARRAY(
        SELECT r.id FROM unnest(p_ids, p_reasons) AS r (id, reason) WHERE r.reason IN ('unknown_kind', 'unknown_price')));
END $$;
