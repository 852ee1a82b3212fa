-- The two moves of the ledger, for a whole batch each. Both lock the buckets they touch in id order, so that any
-- number of processes queue instead of deadlocking; array order is the serial history.

-- Takes a hold for each item that fits every bucket of its path, all or nothing per item.
-- status: normal, soft, economy (beyond the hard cap), refused. reason: never_fits, spent, held_retry.
-- retry_at: when a refused item can fit at the earliest. total_before: the org's day before this call.
CREATE FUNCTION moose.reserve_batch(
    p_owners uuid[], p_tokens bigint[], p_estimates bigint[], p_projects text[], p_services text[],
    p_expires_at timestamptz,
    OUT status text[], OUT reason text[], OUT retry_at timestamptz[], OUT total_before bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_id bigint[]; v_scope text[]; v_name text[]; v_day boolean[]; v_end timestamptz[]; v_reported text[];
    v_posted bigint[]; v_used bigint[]; v_soft bigint[]; v_hard bigint[]; v_cap bigint[];
    v_want bigint[];
    v_grant bigint[];
    v_estimate bigint;
    v_new_reasons text[];
    v_items integer := cardinality(p_owners);
    v_fits boolean := true;
    v_tier integer := 0;
BEGIN
    SELECT array_agg(c.bucket_id) INTO v_id
    FROM moose.current_buckets(ARRAY(SELECT DISTINCT n FROM unnest(p_projects) AS n WHERE n IS NOT NULL)) c;

    SELECT array_agg(x.id), array_agg(x.scope), array_agg(x.name), array_agg(x.period = 'day'),
           array_agg(x.window_end), array_agg(x.posted_u), array_agg(x.held_u + x.posted_u),
           array_agg(coalesce(x.soft_u, x.cap_u)), array_agg(coalesce(x.hard_u, x.cap_u)), array_agg(x.cap_u)
    INTO v_id, v_scope, v_name, v_day, v_end, v_posted, v_used, v_soft, v_hard, v_cap
    FROM (
        SELECT b.id, b.window_end, b.held_u, b.posted_u, p.scope, p.name, p.period, p.soft_u, p.hard_u,
               coalesce(p.kill_u, p.hard_u) AS cap_u
        FROM moose.budget_buckets b
        JOIN moose.budget_policies p ON p.id = b.policy_id
        WHERE b.id = ANY (v_id)
        ORDER BY b.id
        FOR NO KEY UPDATE OF b
    ) x;
    IF v_id IS NULL OR NOT 'org' = ANY (v_scope) THEN
        RAISE EXCEPTION 'no budget policy for the org' USING ERRCODE = 'MS003',
            HINT = 'Set one with: moose budget set --day 100';
    END IF;

    SELECT array_agg(want ORDER BY k) INTO v_want
    FROM (
        SELECT k, coalesce(sum(i.estimate) FILTER (WHERE b.scope = 'org' OR b.name = i.project), 0)::bigint AS want
        FROM unnest(v_scope, v_name) WITH ORDINALITY AS b (scope, name, k)
        CROSS JOIN (
            SELECT project, sum(estimate) AS estimate
            FROM unnest(p_estimates, p_projects) AS e (estimate, project) GROUP BY project) i
        GROUP BY k) w;

    -- Fast path: everything fits, and nobody crosses a threshold on the way, so all items get the same answer.
    FOR k IN 1 .. cardinality(v_id) LOOP
        IF v_day[k] AND v_scope[k] = 'org' THEN total_before := v_used[k]; END IF;
        IF v_want[k] > 0 THEN
            v_fits := v_fits AND v_used[k] + v_want[k] <= v_cap[k]
                AND (v_used[k] >= v_soft[k]) = (v_used[k] + v_want[k] > v_soft[k])
                AND (v_used[k] >= v_hard[k]) = (v_used[k] + v_want[k] > v_hard[k])
                AND (v_scope[k] = 'org' OR v_used[k] + v_want[k] <= v_soft[k]);
            v_tier := greatest(v_tier, CASE WHEN v_used[k] >= v_hard[k] THEN 2 WHEN v_used[k] >= v_soft[k] THEN 1
                                            ELSE 0 END);
        END IF;
    END LOOP;

    IF v_fits THEN
        status := array_fill((ARRAY['normal', 'soft', 'economy'])[v_tier + 1], ARRAY[v_items]);
        reason := array_fill(NULL::text, ARRAY[v_items]);
        retry_at := array_fill(NULL::timestamptz, ARRAY[v_items]);
        v_grant := v_want;
    ELSE
        -- Near a cap: exact, in order. Pure arithmetic on local arrays; no statement runs per item.
        v_grant := array_fill(0::bigint, ARRAY[cardinality(v_id)]);
        FOR i IN 1 .. v_items LOOP
            v_estimate := p_estimates[i];
            v_tier := 0;
            reason[i] := NULL;
            retry_at[i] := NULL;
            FOR k IN 1 .. cardinality(v_id) LOOP
                CONTINUE WHEN v_estimate = 0 OR (v_scope[k] <> 'org' AND v_name[k] IS DISTINCT FROM p_projects[i]);
                IF v_estimate > v_cap[k] THEN
                    reason[i] := 'never_fits';
                    EXIT;
                ELSIF v_posted[k] + v_estimate > v_cap[k] THEN
                    reason[i] := 'spent';
                    retry_at[i] := greatest(retry_at[i], v_end[k]);
                ELSIF v_used[k] + v_estimate > v_cap[k] AND reason[i] IS NULL THEN
                    reason[i] := 'held_retry';
                    retry_at[i] := now() + interval '5 seconds';
                END IF;
                v_tier := greatest(v_tier, CASE WHEN v_used[k] + v_estimate > v_hard[k] THEN 2
                                                WHEN v_used[k] + v_estimate > v_soft[k] THEN 1 ELSE 0 END);
            END LOOP;
            IF reason[i] IS NULL THEN
                status[i] := (ARRAY['normal', 'soft', 'economy'])[v_tier + 1];
                FOR k IN 1 .. cardinality(v_id) LOOP
                    IF v_scope[k] = 'org' OR v_name[k] = p_projects[i] THEN
                        v_used[k] := v_used[k] + v_estimate;
                        v_grant[k] := v_grant[k] + v_estimate;
                    END IF;
                END LOOP;
            ELSE
                status[i] := 'refused';
            END IF;
        END LOOP;
    END IF;

    INSERT INTO moose.budget_holds (owner, token, state, estimate_u, bucket_ids, service, expires_at)
    SELECT i.owner, i.token, 'dispatched', i.estimate, path.ids, i.service, p_expires_at
    FROM unnest(p_owners, p_tokens, p_estimates, p_projects, p_services, status)
         AS i (owner, token, estimate, project, service, status)
    JOIN (
        SELECT q.project, array_agg(b.id) AS ids
        FROM (SELECT DISTINCT coalesce(n, '') AS project FROM unnest(p_projects) AS n) q
        JOIN unnest(v_id, v_scope, v_name) AS b (id, scope, name) ON b.scope = 'org' OR b.name = q.project
        GROUP BY q.project) path ON path.project = coalesce(i.project, '')
    WHERE i.status <> 'refused';

    UPDATE moose.budget_buckets b SET held_u = b.held_u + g.amount
    FROM unnest(v_id, v_grant) AS g (id, amount)
    WHERE b.id = g.id AND g.amount > 0;
END $$;

-- Closes holds. actual: the real cost, NULL where nobody knows it. started: whether the handler ever ran.
-- never started -> cancelled; cost known -> settled; started and unknown -> the estimate is posted, presumed.
-- A presumed hold whose real cost arrives is corrected once, in the window it was held in.
-- Returns the closed holds whose real cost passed the estimate.
CREATE FUNCTION moose.settle_batch(p_owners uuid[], p_tokens bigint[], p_actuals bigint[], p_started boolean[])
RETURNS TABLE (owner uuid, token bigint, estimate_u bigint, actual_u bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_bucket bigint[]; v_held bigint[]; v_posted bigint[];
    v_over_owner uuid[]; v_over_token bigint[]; v_over_estimate bigint[]; v_over_actual bigint[];
BEGIN
    WITH closed AS (
        UPDATE moose.budget_holds h
        SET state = CASE WHEN i.actual IS NOT NULL OR h.state = 'presumed_spent' THEN 'settled'
                         WHEN i.started THEN 'presumed_spent' ELSE 'cancelled' END,
            late = h.state = 'presumed_spent',
            actual_u = CASE WHEN i.actual IS NULL AND NOT i.started THEN 0 ELSE i.actual END,
            expires_at = NULL,
            closed_at = now()
        FROM unnest(p_owners, p_tokens, p_actuals, p_started) AS i (owner, token, actual, started)
        WHERE h.owner = i.owner AND h.token = i.token AND h.number = 0
          AND (h.state = 'dispatched'
               OR h.state = 'presumed_spent' AND (i.actual IS NOT NULL OR NOT i.started))
        RETURNING h.owner, h.token, h.number, h.state, h.late, h.estimate_u, h.actual_u, h.bucket_ids
    ), moved AS (
        SELECT c.*,
               CASE WHEN c.late THEN 0 ELSE -c.estimate_u END AS held,
               CASE WHEN c.late THEN c.actual_u - c.estimate_u
                    WHEN c.state = 'presumed_spent' THEN c.estimate_u ELSE coalesce(c.actual_u, 0) END AS posted
        FROM closed c
    ), entries AS (
        INSERT INTO moose.cost_tracking (owner, token, number, entry, amount_u, bucket_ids)
        SELECT m.owner, m.token, m.number,
               CASE WHEN m.late THEN 'late' WHEN m.state = 'presumed_spent' THEN 'presumed' ELSE 'settled' END,
               m.posted, m.bucket_ids
        FROM moved m WHERE m.posted <> 0
    ), sums AS (
        SELECT b.id, sum(p.held)::bigint AS held, sum(p.posted)::bigint AS posted
        FROM (SELECT m.bucket_ids, sum(m.held) AS held, sum(m.posted) AS posted FROM moved m GROUP BY 1) p,
             unnest(p.bucket_ids) AS b (id)
        GROUP BY b.id
    ), over AS (
        SELECT array_agg(m.owner) AS owners, array_agg(m.token) AS tokens, array_agg(m.estimate_u) AS estimates,
               array_agg(m.actual_u) AS actuals
        FROM moved m WHERE m.actual_u > m.estimate_u
    )
    SELECT (SELECT array_agg(s.id ORDER BY s.id) FROM sums s), (SELECT array_agg(s.held ORDER BY s.id) FROM sums s),
           (SELECT array_agg(s.posted ORDER BY s.id) FROM sums s), o.owners, o.tokens, o.estimates, o.actuals
    INTO v_bucket, v_held, v_posted, v_over_owner, v_over_token, v_over_estimate, v_over_actual
    FROM over o;

    -- The hot rows come last, so that their locks last no longer than this and the commit.
    PERFORM 1 FROM moose.budget_buckets b WHERE b.id = ANY (v_bucket) ORDER BY b.id FOR NO KEY UPDATE;
    UPDATE moose.budget_buckets b SET held_u = b.held_u + s.held, posted_u = b.posted_u + s.posted
    FROM unnest(v_bucket, v_held, v_posted) AS s (id, held, posted)
    WHERE b.id = s.id AND (s.held <> 0 OR s.posted <> 0);

    RETURN QUERY SELECT * FROM unnest(v_over_owner, v_over_token, v_over_estimate, v_over_actual);
END $$;

-- Recomputes every bucket from its holds and its ledger. No row: no difference.
CREATE FUNCTION moose.reconcile()
RETURNS TABLE (bucket_id bigint, scope text, name text, period text, window_start timestamptz,
               held_u bigint, held_expected_u bigint, posted_u bigint, posted_expected_u bigint)
LANGUAGE sql STABLE AS $$
    WITH held AS (
        SELECT x.id, sum(h.estimate_u)::bigint AS amount
        FROM moose.budget_holds h, unnest(h.bucket_ids) AS x (id) WHERE h.state = 'dispatched' GROUP BY 1
    ), posted AS (
        SELECT x.id, sum(c.amount_u)::bigint AS amount
        FROM moose.cost_tracking c, unnest(c.bucket_ids) AS x (id) GROUP BY 1
    )
    SELECT b.id, p.scope, p.name, p.period, b.window_start,
           b.held_u, coalesce(h.amount, 0), b.posted_u, coalesce(c.amount, 0)
    FROM moose.budget_buckets b
    LEFT JOIN moose.budget_policies p ON p.id = b.policy_id
    LEFT JOIN held h ON h.id = b.id
    LEFT JOIN posted c ON c.id = b.id
    WHERE b.held_u <> coalesce(h.amount, 0) OR b.posted_u <> coalesce(c.amount, 0)
$$;

-- The compatible door for services that only have SQL. current_total is the day's total before this call; an estimate
-- that reaches the cap exactly is granted. The hold lives one hour, then it is presumed spent.
CREATE FUNCTION public.check_and_reserve_budget(
    p_estimated_cost numeric, p_service_name text, p_metadata jsonb DEFAULT '{}'
) RETURNS TABLE (can_proceed boolean, current_total numeric, reservation_id uuid) LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid := gen_random_uuid();
    v_answer record;
BEGIN
    IF p_estimated_cost IS NULL OR p_estimated_cost < 0 OR p_estimated_cost > 1000000000 THEN
        RAISE EXCEPTION 'p_estimated_cost must be between 0 and 1000000000 USD' USING ERRCODE = '22023';
    END IF;
    SELECT * INTO v_answer FROM moose.reserve_batch(
        ARRAY[v_id], ARRAY[0::bigint], ARRAY[ceil(p_estimated_cost * 1000000)::bigint],
        ARRAY[p_metadata ->> 'project'], ARRAY[p_service_name], now() + interval '1 hour');
    can_proceed := v_answer.status[1] <> 'refused';
    current_total := moose.dollars(v_answer.total_before);
    reservation_id := CASE WHEN can_proceed THEN v_id END;
    RETURN NEXT;
END $$;
