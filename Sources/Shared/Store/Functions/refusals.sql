-- What a claim does with what it can't run. None of this is on the hot path; all of it commits with the claim.

-- Orders the budget refused. never_fits fails for good, one event an order. All others wait for money (see
-- wake_for_money); one event per bucket, reason and window, however many are refused.
-- p_least: the smallest amount that would let each run.
CREATE OR REPLACE FUNCTION moose.refuse_budget(
    p_ids uuid[], p_tokens bigint[], p_fresh boolean[], p_reasons text[], p_estimates bigint[], p_least bigint[],
    p_projects text[], p_agents text[], p_handlers text[], p_models text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_bucket record;
BEGIN
    -- Those that waited for money before and were let through their gates don't change their state: see
    -- check_transition.
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
    WHERE w.id = ANY (ARRAY[r.id]);

    -- Of one that was waiting for money already the state is no news to the line.
    PERFORM moose.put_in_line(array_agg(i.id), array_agg(NULL::timestamptz))
    FROM unnest(p_ids, p_reasons) AS i (id, reason) WHERE i.reason <> 'never_fits' HAVING count(*) > 0;

    PERFORM moose.report(
        -- Told once, for the order has failed with this commit; and again should it be retried.
        gen_random_uuid(), 'worker', 'reserve', 'warning',
        format('an estimate of $%s is above the cap of a budget it counts against', moose.dollars(r.estimate)),
        r.id, 'budget_exceeded', jsonb_build_object('reason', 'never_fits', 'handler', w.kind))
    FROM unnest(p_ids, p_tokens, p_reasons, p_estimates) AS r (id, token, reason, estimate)
    JOIN moose.work_orders w ON w.id = ANY (ARRAY[r.id])
    WHERE r.reason = 'never_fits';
    PERFORM moose.reply(ARRAY(SELECT r.id FROM unnest(p_ids, p_reasons) AS r (id, reason)
                        WHERE r.reason = 'never_fits'));

    -- Beyond the kill limit: critical, once a window. Money that is only on hold, and a freeze, are warnings.
    FOR v_bucket IN
        SELECT b.id, n.reason, n.example
        FROM (SELECT w.waits_on, r.reason, min(w.waits_for_u) AS least, (array_agg(w.id))[1] AS example
              FROM unnest(p_ids, p_reasons) AS r (id, reason) JOIN moose.work_orders w ON w.id = ANY (ARRAY[r.id])
              WHERE r.reason <> 'never_fits' GROUP BY 1, 2) n
        JOIN moose.budget_limits l ON l.id = ANY (n.waits_on)
        CROSS JOIN LATERAL moose.budget_window(l.period, l.time_zone, now()) u
        JOIN moose.budget_buckets b
            ON b.policy_id = ANY (ARRAY[l.id]) AND b.window_start = u.window_start AND NOT b.exempt
        WHERE CASE n.reason WHEN 'frozen' THEN l.frozen WHEN 'spent' THEN b.posted_u + n.least > l.cap_u
                            ELSE b.held_u + b.posted_u + n.least > l.cap_u END
          AND NOT n.reason = ANY (b.reported)
        ORDER BY b.id
    LOOP
        PERFORM moose.report_full(v_bucket.id, v_bucket.reason, v_bucket.example);
    END LOOP;
END $$;

-- Claims that can never run: a dead letter each, with its error event; the order itself fails where it is at fault
-- (bury_order then writes its letter).
CREATE OR REPLACE FUNCTION moose.refuse_claims(p_ids uuid[], p_reasons text[], p_bodies bytea[]) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    UPDATE moose.work_orders w
    SET state = 'failed', failure_class = 'invalid_input', letter_reason = r.reason, finished_at = now(),
        error = CASE r.reason WHEN 'unknown_kind' THEN 'no live worker knows the kind ' || w.kind
                ELSE 'no estimate, and the kind ' || w.kind || ' has no default price' END
    FROM unnest(p_ids, p_reasons) AS r (id, reason)
    WHERE w.id = ANY (ARRAY[r.id]) AND r.reason IN ('unknown_kind', 'unknown_price');
    PERFORM moose.report(
        -- Each failure has a letter of its own, also of an order that was retried without a claim between.
        moose.event_id('dead letter ' || d.id, w.fencing_token, r.reason), 'worker', 'intake', 'warning',
        format('dead letter (%s): %s', r.reason, w.error), w.id, 'invalid_input',
        jsonb_build_object('reason', r.reason, 'dead_letter', d.id, 'handler', w.kind, 'lane', w.lane))
    FROM unnest(p_ids, p_reasons) AS r (id, reason) JOIN moose.work_orders w ON w.id = ANY (ARRAY[r.id])
    JOIN moose.dead_letters d ON d.work_order_id = ANY (ARRAY[w.id]) AND d.is_order AND d.state = 'dead'
    WHERE r.reason IN ('unknown_kind', 'unknown_price');

    PERFORM moose.bury_batch(
        array_agg(r.reason),
        array_agg(CASE r.reason
            WHEN 'id_reused' THEN 'this id was published before with another body'
            ELSE 'it names a work order that is not in the database' END),
        array_agg(r.id), array_agg(w.kind), array_agg(w.lane), array_agg('moose.work'::text), array_agg(w.lane),
        array_agg(r.body), array_agg(format('{"message_id": "%s"}', r.id)), array_agg(false))
    FROM unnest(p_ids, p_reasons, p_bodies) AS r (id, reason, body)
    LEFT JOIN moose.work_orders w ON w.id = ANY (ARRAY[r.id])
    -- A claim is asked again when its answer was lost, and a message comes again when its acknowledgement was: its
    -- letter stands once.
    WHERE r.reason NOT IN ('unknown_kind', 'unknown_price')
      AND NOT EXISTS (SELECT 1 FROM moose.dead_letters d
                      WHERE d.work_order_id = ANY (ARRAY[r.id]) AND d.reason = r.reason
                      AND d.body = r.body AND d.state = 'dead')
    HAVING count(*) > 0;
    PERFORM moose.reply(ARRAY(
        SELECT r.id FROM unnest(p_ids, p_reasons) AS r (id, reason)
        WHERE r.reason IN ('unknown_kind', 'unknown_price')));
END $$;
