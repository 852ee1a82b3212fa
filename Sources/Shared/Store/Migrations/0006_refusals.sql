-- What a claim does with what it can't run. None of this is on the hot path; all of it commits with the claim.

-- Orders the budget refused. never_fits fails for good, one event an order. spent and held_retry wait; one event per
-- reason and window, however many are refused.
CREATE FUNCTION moose.refuse_budget(
    p_ids uuid[], p_tokens bigint[], p_fresh boolean[], p_reasons text[], p_retry_at timestamptz[], p_estimates bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_reason text;
    v_bucket record;
BEGIN
    UPDATE moose.work_orders w
    SET state = CASE r.reason WHEN 'never_fits' THEN 'failed' ELSE 'awaiting_budget' END,
        attempt = CASE WHEN r.fresh THEN 0 ELSE w.attempt END,
        lease_worker = NULL, lease_claim = NULL, lease_expires_at = NULL,
        started_at = CASE WHEN r.fresh THEN NULL ELSE w.started_at END,
        estimate_u = r.estimate,
        run_at = coalesce(nullif(r.retry_at, 'infinity'), w.run_at),
        error = 'budget refused: ' || r.reason,
        failure_class = 'budget_exceeded',
        finished_at = CASE r.reason WHEN 'never_fits' THEN now() END
    FROM unnest(p_ids, p_fresh, p_reasons, p_retry_at, p_estimates) AS r (id, fresh, reason, retry_at, estimate)
    WHERE w.id = r.id;

    PERFORM moose.ring(array_agg(r.id), array_agg(w.lane), array_agg(r.retry_at))
    FROM unnest(p_ids, p_retry_at) AS r (id, retry_at) JOIN moose.work_orders w ON w.id = r.id
    WHERE r.retry_at < 'infinity';

    PERFORM moose.report(
        moose.event_id(r.id::text, r.token, 'never_fits'), 'worker', 'reserve', 'critical',
        format('an estimate of $%s is above the cap of a budget it counts against', moose.dollars(r.estimate)),
        r.id, 'budget_exceeded', jsonb_build_object('reason', 'never_fits', 'handler', w.kind))
    FROM unnest(p_ids, p_tokens, p_reasons, p_estimates) AS r (id, token, reason, estimate)
    JOIN moose.work_orders w ON w.id = r.id
    WHERE r.reason = 'never_fits';
    PERFORM moose.report_broken_dependencies(ARRAY(
        SELECT r.id FROM unnest(p_ids, p_reasons) AS r (id, reason) WHERE r.reason = 'never_fits'));
    PERFORM moose.reply(ARRAY(SELECT r.id FROM unnest(p_ids, p_reasons) AS r (id, reason) WHERE r.reason = 'never_fits'));

    FOR v_reason IN SELECT DISTINCT r FROM unnest(p_reasons) AS r WHERE r <> 'never_fits' LOOP
        FOR v_bucket IN
            UPDATE moose.budget_buckets b SET reported = b.reported || v_reason
            FROM moose.budget_policies p
            WHERE p.id = b.policy_id AND now() >= b.window_start AND now() < b.window_end
              AND NOT v_reason = ANY (b.reported)
              AND b.held_u + b.posted_u + (SELECT min(r.estimate) FROM unnest(p_estimates, p_reasons)
                                           AS r (estimate, reason) WHERE r.reason = v_reason)
                  > coalesce(p.kill_u, p.hard_u)
            RETURNING b.id, b.window_end, p.scope, p.name, p.period, coalesce(p.kill_u, p.hard_u) AS cap_u
        LOOP
            PERFORM moose.report(
                moose.event_id('bucket ' || v_bucket.id, 0, v_reason), 'worker', 'reserve',
                CASE v_reason WHEN 'spent' THEN 'critical' ELSE 'warning' END,
                format('the %s budget of %s %s refuses work (%s): its cap is $%s; orders wait until %s or a raise',
                       v_bucket.period, v_bucket.scope, v_bucket.name, v_reason, moose.dollars(v_bucket.cap_u),
                       v_bucket.window_end),
                p_ids[array_position(p_reasons, v_reason)], 'budget_exceeded',
                jsonb_build_object('reason', v_reason, 'scope', v_bucket.scope, 'name', v_bucket.name,
                                   'period', v_bucket.period));
        END LOOP;
    END LOOP;
END $$;

-- Claims that can never run: a dead letter each, with its error event; the order itself fails where it is at fault.
CREATE FUNCTION moose.refuse_claims(p_ids uuid[], p_reasons text[], p_bodies bytea[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE moose.work_orders w
    SET state = 'failed', error = 'no worker can run it: ' || r.reason, failure_class = 'invalid_input',
        finished_at = now()
    FROM unnest(p_ids, p_reasons) AS r (id, reason)
    WHERE w.id = r.id AND r.reason IN ('unknown_kind', 'unknown_price');

    PERFORM moose.bury_batch(
        array_agg(r.reason),
        array_agg(CASE r.reason
            WHEN 'id_reused' THEN 'this id was published before with another body'
            WHEN 'unknown_kind' THEN 'no live worker knows the kind ' || w.kind
            WHEN 'unknown_price' THEN 'no estimate, and the kind ' || w.kind || ' has no default price'
            ELSE 'a doorbell for a work order that is not in the database' END),
        array_agg(r.id), array_agg(w.kind), array_agg(w.lane), array_agg('moose.work'::text), array_agg(w.lane),
        array_agg(CASE WHEN r.reason IN ('unknown_kind', 'unknown_price') THEN w.body ELSE r.body END),
        array_agg('{}'::text), array_agg(false))
    FROM unnest(p_ids, p_reasons, p_bodies) AS r (id, reason, body)
    LEFT JOIN moose.work_orders w ON w.id = r.id;
    PERFORM moose.report_broken_dependencies(ARRAY(
        SELECT r.id FROM unnest(p_ids, p_reasons) AS r (id, reason) WHERE r.reason IN ('unknown_kind', 'unknown_price')));
    PERFORM moose.reply(ARRAY(
        SELECT r.id FROM unnest(p_ids, p_reasons) AS r (id, reason) WHERE r.reason IN ('unknown_kind', 'unknown_price')));
END $$;

-- Messages that can't be understood: a dead letter and its error event each, in one commit. A redelivered message
-- that was buried before is not buried twice.
CREATE FUNCTION moose.bury_batch(
    p_reasons text[], p_explanations text[], p_work_orders uuid[], p_kinds text[], p_lanes text[],
    p_exchanges text[], p_routing_keys text[], p_bodies bytea[], p_headers text[], p_redelivered boolean[]
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_count integer;
BEGIN
    WITH buried AS (
        INSERT INTO moose.dead_letters (id, reason, explanation, work_order_id, kind, lane, exchange, routing_key,
                                        body, digest, headers)
        SELECT gen_random_uuid(), d.reason, d.explanation, d.work_order, d.kind, d.lane, d.exchange, d.routing_key,
               d.body, sha256(d.body || convert_to(d.headers, 'UTF8')), d.headers::json
        FROM unnest(p_reasons, p_explanations, p_work_orders, p_kinds, p_lanes, p_exchanges, p_routing_keys, p_bodies,
                    p_headers, p_redelivered)
             AS d (reason, explanation, work_order, kind, lane, exchange, routing_key, body, headers, redelivered)
        WHERE NOT (d.redelivered AND EXISTS (
            SELECT 1 FROM moose.dead_letters x
            WHERE x.digest = sha256(d.body || convert_to(d.headers, 'UTF8')) AND x.reason = d.reason))
        RETURNING id, reason, explanation, work_order_id, kind, lane
    ), told AS (
        SELECT moose.report(
            moose.event_id('dead letter ' || b.id, 0, b.reason), 'worker', 'intake', 'warning',
            format('dead letter (%s): %s', b.reason, b.explanation), b.work_order_id, 'invalid_input',
            jsonb_build_object('reason', b.reason, 'dead_letter', b.id, 'handler', b.kind, 'lane', b.lane))
        FROM buried b
    )
    SELECT count(*) INTO v_count FROM told;
    RETURN v_count;
END $$;

-- Tells of every order that waits for one of these and can't go on: once for each pair.
CREATE FUNCTION moose.report_broken_dependencies(p_ids uuid[]) RETURNS void LANGUAGE sql AS $$
    SELECT moose.report(
        moose.event_id(d.work_order_id::text, 0, 'depends on ' || d.depends_on), 'worker', 'dependency', 'warning',
        format('work order %s waits for %s, which ended %s', d.work_order_id, d.depends_on, w.state),
        d.work_order_id, 'dependency_missing', jsonb_build_object('depends_on', d.depends_on, 'handler', b.kind))
    FROM moose.work_order_dependencies d
    JOIN moose.work_orders w ON w.id = d.depends_on
    JOIN moose.work_orders b ON b.id = d.work_order_id
    WHERE d.depends_on = ANY (p_ids) AND w.state IN ('failed', 'cancelled') AND b.state = 'blocked'
$$;
