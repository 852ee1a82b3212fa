-- Takes a hold for each item that fits every bucket of its path, all or nothing per item. Locks the buckets in id
-- order, so that any number of processes queue instead of deadlocking; array order is the serial history.
--
-- status   normal, soft, economy (beyond the hard limit), refused
-- reason   of a refusal: never_fits (above a cap), frozen, spent (posted money leaves no room), held_retry (would fit
--          if running work gave back what it holds)
-- switched the hold was taken for the cheap handler: in economy mode, or where there was no money for its own
-- total_before: the org's day before this call
CREATE OR REPLACE FUNCTION moose.reserve_batch(
    p_owners uuid[], p_tokens bigint[], p_estimates bigint[],
    p_projects text[], p_agents text[], p_handlers text[], p_models text[],
    p_cheap_estimates bigint[] DEFAULT NULL, p_cheap_handlers text[] DEFAULT NULL, p_cheap_models text[] DEFAULT NULL,
    p_numbers smallint[] DEFAULT NULL, p_dispatched boolean[] DEFAULT NULL, p_expires_at timestamptz[] DEFAULT NULL,
    p_metadata jsonb[] DEFAULT NULL,
    OUT status text[], OUT reason text[], OUT switched boolean[], OUT total_before bigint
) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    c_none CONSTANT bigint := 9223372036854775807;
    v_items integer := cardinality(p_owners);
    v_estimates bigint[] := p_estimates;
    v_handlers text[] := p_handlers;
    -- The path of each item (behind them those of the cheap handlers), and what each distinct path wants.
    v_path integer[]; v_sum bigint[];
    v_projects text[]; v_agents text[]; v_path_handlers text[]; v_models text[];
    -- Path and bucket, in pairs ordered by path; the pairs of path p are those from v_from[p] to v_to[p].
    v_buckets record;
    m_path integer[]; m_id bigint[]; m_bucket integer[]; v_from integer[]; v_to integer[];
    -- The buckets, locked, in id order.
    v_id bigint[]; v_posted bigint[]; v_used bigint[]; v_soft bigint[]; v_hard bigint[]; v_cap bigint[];
    v_mark bigint[]; v_frozen boolean[]; v_day boolean[]; v_has_org boolean;
    v_grant bigint[]; v_tiers integer[];
    v_fits boolean := true;
    v_estimate bigint; v_at integer; v_tier integer; v_own_tier integer; v_rank integer; v_own_rank integer;
    k integer;
BEGIN
    -- Limits stand still until the commit: who changes them waits for running batches, and later ones see the change.
    LOCK TABLE moose.limits_lock IN ROW SHARE MODE;

    -- 1. Which paths are there, and which buckets does each count against?
    IF p_cheap_estimates IS NULL
        AND (p_projects, p_agents, p_handlers, p_models) IS NOT DISTINCT FROM
            (array_fill(p_projects[1], ARRAY[v_items]), array_fill(p_agents[1], ARRAY[v_items]),
             array_fill(p_handlers[1], ARRAY[v_items]), array_fill(p_models[1], ARRAY[v_items])) THEN
        -- Nearly always there is one: no need to ask.
        v_path := array_fill(1, ARRAY[v_items]);
        v_sum := '{0}';
        FOREACH v_estimate IN ARRAY p_estimates LOOP v_sum[1] := v_sum[1] + coalesce(v_estimate, 0); END LOOP;
        v_projects := p_projects[:1];
        v_agents := p_agents[:1];
        v_path_handlers := p_handlers[:1];
        v_models := p_models[:1];
    ELSE
        WITH path AS (
            SELECT row_number() OVER () AS path, coalesce(sum(i.estimate), 0)::bigint AS estimate,
                   array_agg(i.n) AS items, i.project, i.agent, i.handler, i.model
            FROM unnest(p_estimates, p_projects || CASE WHEN p_cheap_estimates IS NOT NULL THEN p_projects END,
                        p_agents || CASE WHEN p_cheap_estimates IS NOT NULL THEN p_agents END,
                        p_handlers || p_cheap_handlers, p_models || p_cheap_models)
                 WITH ORDINALITY AS i (estimate, project, agent, handler, model, n)
            GROUP BY i.project, i.agent, i.handler, i.model
        )
        SELECT (SELECT array_agg(p.path ORDER BY i.n) FROM path p, unnest(p.items) AS i (n)),
               array_agg(p.estimate), array_agg(p.project), array_agg(p.agent), array_agg(p.handler),
               array_agg(p.model)
        INTO v_path, v_sum, v_projects, v_agents, v_path_handlers, v_models
        FROM (SELECT * FROM path ORDER BY path) p;
    END IF;
    v_buckets := moose.buckets_of_paths(v_projects, v_agents, v_path_handlers, v_models);
    m_path := v_buckets.paths;
    m_id := v_buckets.bucket_ids;

    SELECT array_agg(x.id), array_agg(x.posted_u), array_agg(x.held_u + x.posted_u),
           array_agg(coalesce(x.soft_u, c_none)), array_agg(coalesce(x.hard_u, c_none)),
           array_agg(coalesce(x.cap_u, c_none)), array_agg(x.mark), array_agg(x.frozen), array_agg(x.is_day),
           bool_or(x.scope = 'org')
    INTO v_id, v_posted, v_used, v_soft, v_hard, v_cap, v_mark, v_frozen, v_day, v_has_org
    FROM (
        SELECT b.id, b.held_u, b.posted_u, l.frozen, l.scope,
               l.scope = 'org' AND l.period = 'day' AND NOT b.exempt AS is_day,
               CASE WHEN NOT b.exempt THEN l.soft_u END AS soft_u, CASE WHEN NOT b.exempt THEN l.hard_u END AS hard_u,
               CASE WHEN NOT b.exempt THEN l.cap_u END AS cap_u,
               CASE WHEN NOT b.exempt THEN moose.next_mark(b.held_u + b.posted_u, l.soft_u, l.hard_u, l.cap_u) END
                   AS mark
        FROM moose.budget_buckets b
        JOIN moose.budget_limits l ON l.id = b.policy_id
        WHERE b.id = ANY (m_id)
        ORDER BY b.id
        FOR NO KEY UPDATE OF b
    ) x;
    IF v_has_org IS NOT TRUE THEN
        RAISE EXCEPTION 'no budget policy for the org' USING ERRCODE = 'MS003',
            HINT = 'Set one with: moose budget set --day 100';
    END IF;
    total_before := v_used[array_position(v_day, true)];

    -- 2. Fast path: everything fits and nobody crosses a limit on the way, so all items of a path get one answer.
    v_grant := array_fill(0::bigint, ARRAY[cardinality(v_id)]);
    v_tiers := array_fill(0, ARRAY[cardinality(v_sum)]);
    FOR m IN 1 .. cardinality(m_path) LOOP
        k := array_position(v_id, m_id[m]);
        m_bucket[m] := k;
        v_grant[k] := v_grant[k] + v_sum[m_path[m]];
        v_from[m_path[m]] := coalesce(v_from[m_path[m]], m);
        v_to[m_path[m]] := m;
        IF v_used[k] >= v_hard[k] THEN v_tiers[m_path[m]] := 2;
        ELSIF v_used[k] >= v_soft[k] THEN v_tiers[m_path[m]] := greatest(v_tiers[m_path[m]], 1);
        END IF;
    END LOOP;
    FOR k IN 1 .. cardinality(v_id) LOOP
        CONTINUE WHEN v_grant[k] = 0;
        v_fits := v_fits AND NOT v_frozen[k] AND v_grant[k] <= v_cap[k] - v_used[k]
            AND (v_used[k] >= v_soft[k] OR v_grant[k] <= v_soft[k] - v_used[k])
            AND (v_used[k] >= v_hard[k] OR v_grant[k] <= v_hard[k] - v_used[k]);
    END LOOP;

    IF v_fits AND v_tiers = array_fill(0, ARRAY[cardinality(v_sum)]) THEN
        status := array_fill('normal'::text, ARRAY[v_items]);
        reason := array_fill(NULL::text, ARRAY[v_items]);
        switched := array_fill(false, ARRAY[v_items]);
    ELSIF v_fits AND (p_cheap_estimates IS NULL OR NOT 2 = ANY (v_tiers)) THEN
        SELECT array_agg(CASE WHEN i.estimate = 0 OR v_tiers[i.path] = 0 THEN 'normal'
                              WHEN v_tiers[i.path] = 1 THEN 'soft' ELSE 'economy' END)
        INTO status FROM unnest(p_estimates, v_path[:v_items]) AS i (estimate, path);
        reason := array_fill(NULL::text, ARRAY[v_items]);
        switched := array_fill(false, ARRAY[v_items]);
    ELSE
        -- 3. Near a limit: exact, in order. Pure arithmetic on local arrays; no statement runs per item.
        v_grant := array_fill(0::bigint, ARRAY[cardinality(v_id)]);
        FOR i IN 1 .. v_items LOOP
            switched[i] := false;
            v_at := i;
            LOOP
                v_estimate := CASE WHEN switched[i] THEN p_cheap_estimates[i] ELSE p_estimates[i] END;
                v_tier := 0;
                v_rank := 0;
                IF v_estimate > 0 THEN
                    FOR m IN v_from[v_path[v_at]] .. v_to[v_path[v_at]] LOOP
                        k := m_bucket[m];
                        IF v_estimate > v_cap[k] - v_used[k] OR v_frozen[k] THEN
                            v_rank := greatest(v_rank, CASE WHEN v_estimate > v_cap[k] THEN 4 WHEN v_frozen[k] THEN 3
                                                            WHEN v_estimate > v_cap[k] - v_posted[k] THEN 2 ELSE 1 END);
                        ELSIF v_estimate > v_hard[k] - v_used[k] THEN v_tier := 2;
                        ELSIF v_estimate > v_soft[k] - v_used[k] AND v_tier = 0 THEN v_tier := 1;
                        END IF;
                    END LOOP;
                END IF;
                IF switched[i] AND v_rank > 0 THEN
                    -- The cheap one doesn't fit either: its own answer stands.
                    switched[i] := false;
                    v_at := i;
                    v_estimate := p_estimates[i];
                    v_rank := v_own_rank;
                    v_tier := v_own_tier;
                    EXIT;
                END IF;
                EXIT WHEN switched[i] OR v_rank > 2 OR v_rank = 0 AND v_tier < 2
                    OR p_cheap_estimates[i] IS NULL OR p_cheap_estimates[i] >= v_estimate;
                v_own_rank := v_rank;
                v_own_tier := v_tier;
                switched[i] := true;
                v_at := v_items + i;
            END LOOP;
            status[i] := CASE WHEN v_rank > 0 THEN 'refused' ELSE (ARRAY['normal', 'soft', 'economy'])[v_tier + 1] END;
            reason[i] := (ARRAY['held_retry', 'spent', 'frozen', 'never_fits'])[nullif(v_rank, 0)];
            CONTINUE WHEN v_rank > 0;
            IF switched[i] THEN
                v_path[i] := v_path[v_at];
                v_estimates[i] := v_estimate;
                v_handlers[i] := p_cheap_handlers[i];
            END IF;
            FOR m IN v_from[v_path[v_at]] .. v_to[v_path[v_at]] LOOP
                k := m_bucket[m];
                v_used[k] := v_used[k] + v_estimate;
                v_grant[k] := v_grant[k] + v_estimate;
            END LOOP;
        END LOOP;
        FOR k IN 1 .. cardinality(v_id) LOOP v_used[k] := v_used[k] - v_grant[k]; END LOOP;
    END IF;

    -- 4. One hold a granted item, one update for all buckets.
    INSERT INTO moose.budget_holds (owner, token, number, state, estimate_u, bucket_ids, caps_u, handler, metadata,
                                    expires_at)
    SELECT i.owner, i.token, coalesce(i.number, 0), CASE WHEN i.dispatched IS FALSE THEN 'held' ELSE 'dispatched' END,
           i.estimate, p.ids, p.caps, i.handler, i.metadata, i.expires_at
    FROM unnest(p_owners, p_tokens, p_numbers, p_dispatched, v_estimates, v_path[:v_items], status, v_handlers,
                p_metadata, p_expires_at)
         AS i (owner, token, number, dispatched, estimate, path, status, handler, metadata, expires_at)
    JOIN (
        SELECT m.path, array_agg(v_id[m.bucket] ORDER BY m.bucket) AS ids,
               array_agg(nullif(v_cap[m.bucket], c_none) ORDER BY m.bucket) AS caps
        FROM unnest(m_path, m_bucket) AS m (path, bucket) GROUP BY m.path) p ON p.path = i.path
    WHERE i.status <> 'refused';

    UPDATE moose.budget_buckets b SET held_u = b.held_u + g.amount
    FROM unnest(v_id, v_grant) AS g (id, amount)
    WHERE b.id = ANY (ARRAY[g.id]) AND g.amount > 0;

    FOR k IN 1 .. cardinality(v_id) LOOP
        IF v_used[k] + v_grant[k] >= v_mark[k] THEN
            PERFORM moose.report_marks(v_id);
            EXIT;
        END IF;
    END LOOP;
END $$;

-- The next amount at which somebody is told: beyond soft and hard, and at half, 80 % and all of the cap. It is one
-- expression, so that a plan takes it in.
CREATE OR REPLACE FUNCTION moose.next_mark(p_used bigint, p_soft bigint, p_hard bigint, p_cap bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN least(
    CASE WHEN p_soft + 1 > p_used THEN p_soft + 1 END, CASE WHEN p_hard + 1 > p_used THEN p_hard + 1 END,
    CASE WHEN p_cap / 2 > p_used THEN p_cap / 2 END, CASE WHEN p_cap / 10 * 8 > p_used THEN p_cap / 10 * 8 END,
    CASE WHEN p_cap > p_used THEN p_cap END);
