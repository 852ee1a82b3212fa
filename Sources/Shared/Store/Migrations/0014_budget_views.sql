-- What people ask of the ledger: the state of every budget, what-if, reconciliation; and its retention.

-- What was posted when, once a minute, so that a rate can be told without reading the ledger.
CREATE TABLE moose.budget_burn (
    bucket_id bigint NOT NULL,
    at        timestamptz NOT NULL,
    posted_u  bigint NOT NULL,
    PRIMARY KEY (bucket_id, at)
);

CREATE FUNCTION moose.sample_burn() RETURNS void LANGUAGE sql AS $$
    DELETE FROM moose.budget_burn s WHERE s.ctid = ANY (ARRAY(
        SELECT o.ctid FROM moose.budget_burn o WHERE o.at < now() - interval '2 hours' LIMIT 10000));
    INSERT INTO moose.budget_burn (bucket_id, at, posted_u)
    SELECT b.id, date_trunc('minute', now()), b.posted_u FROM moose.budget_buckets b
    WHERE now() >= b.window_start AND now() < b.window_end AND NOT b.exempt
    ON CONFLICT DO NOTHING;
$$;

-- Every budget with its window of now. hourly_u: what was posted in the last hour, as a rate (NULL: watched for less
-- than a minute). empty_at: when the cap is reached at that rate, if within the window.
CREATE FUNCTION moose.budget_status() RETURNS TABLE (
    policy_id bigint, scope text, name text, period text, time_zone text, soft_u bigint, hard_u bigint, kill_u bigint,
    cap_u bigint, raised_u bigint, raised_until timestamptz, frozen boolean, window_start timestamptz,
    window_end timestamptz, held_u bigint, posted_u bigint, exempt_u bigint, hourly_u bigint, empty_at timestamptz
) LANGUAGE sql STABLE AS $$
    SELECT l.id, l.scope, l.name, l.period, l.time_zone, l.soft_u, l.hard_u, l.kill_u, l.cap_u,
           CASE WHEN p.raised_until > now() THEN p.raised_u END, CASE WHEN p.raised_until > now() THEN p.raised_until END,
           l.frozen, u.window_start, u.window_end, coalesce(b.held_u, 0), coalesce(b.posted_u, 0),
           coalesce(x.held_u + x.posted_u, 0), r.hourly_u,
           CASE WHEN r.hourly_u > 0 AND now() + e.hours * interval '1 hour' < u.window_end
                THEN now() + e.hours * interval '1 hour' END
    FROM moose.budget_limits l
    JOIN moose.budget_policies p ON p.id = l.id
    CROSS JOIN LATERAL moose.budget_window(l.period, l.time_zone, now()) u
    LEFT JOIN moose.budget_buckets b ON b.policy_id = l.id AND b.window_start = u.window_start AND NOT b.exempt
    LEFT JOIN moose.budget_buckets x ON x.policy_id = l.id AND x.window_start = u.window_start AND x.exempt
    LEFT JOIN LATERAL (
        SELECT s.at, s.posted_u FROM moose.budget_burn s
        WHERE s.bucket_id = b.id AND s.at >= now() - interval '1 hour' ORDER BY s.at LIMIT 1) s ON true
    LEFT JOIN LATERAL (
        SELECT CASE WHEN s.at < now() - interval '1 minute' THEN
            ((b.posted_u - s.posted_u) * 3600 / extract(epoch FROM now() - s.at))::bigint END AS hourly_u) r ON true
    LEFT JOIN LATERAL (
        SELECT least(greatest(l.cap_u - b.held_u - b.posted_u, 0) / nullif(r.hourly_u, 0)::double precision, 1e5)
            AS hours) e ON true
    ORDER BY l.scope <> 'org', l.scope, l.name, l.id
$$;

-- What a reservation would be told now, budget by budget; takes nothing and locks nothing.
CREATE FUNCTION moose.simulate_reservation(p_estimate_u bigint, p_project text, p_agent text, p_handler text, p_model text)
RETURNS TABLE (scope text, name text, period text, exempt boolean, used_u bigint, cap_u bigint, answer text)
LANGUAGE sql STABLE AS $$
    SELECT l.scope, l.name, l.period, s.exempt, coalesce(b.held_u + b.posted_u, 0), l.cap_u,
           CASE WHEN p_estimate_u = 0 THEN 'normal'
                WHEN NOT s.exempt AND p_estimate_u > l.cap_u THEN 'never_fits'
                WHEN l.frozen THEN 'frozen'
                WHEN s.exempt THEN 'normal'
                WHEN coalesce(b.posted_u, 0) + p_estimate_u > l.cap_u THEN 'spent'
                WHEN coalesce(b.held_u + b.posted_u, 0) + p_estimate_u > l.cap_u THEN 'held_retry'
                WHEN coalesce(b.held_u + b.posted_u, 0) + p_estimate_u > l.hard_u THEN 'economy'
                WHEN coalesce(b.held_u + b.posted_u, 0) + p_estimate_u > l.soft_u THEN 'soft'
                ELSE 'normal' END
    FROM moose.budget_limits l
    CROSS JOIN LATERAL moose.budget_window(l.period, l.time_zone, now()) u
    CROSS JOIN LATERAL (
        SELECT l.period = 'day' AND l.scope IN ('org', 'project')
               AND EXISTS (SELECT 1 FROM moose.budget_exempt_agents x WHERE x.agent = p_agent) AS exempt) s
    LEFT JOIN moose.budget_buckets b
        ON b.policy_id = l.id AND b.window_start = u.window_start AND b.exempt = s.exempt
    WHERE (l.scope, l.name) IN (('org', 'org'), ('project', p_project), ('agent', p_agent), ('handler', p_handler),
                                ('model', p_model))
    ORDER BY l.scope <> 'org', l.scope, l.name, l.id
$$;

-- Recomputes buckets from their holds and their ledger. No row: no difference. p_current: only the day and month
-- windows of now, found through the indexes of live holds and recent entries, so that age costs nothing.
CREATE FUNCTION moose.reconcile(p_current boolean DEFAULT false)
RETURNS TABLE (bucket_id bigint, scope text, name text, period text, window_start timestamptz,
               held_u bigint, held_expected_u bigint, posted_u bigint, posted_expected_u bigint)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    v_since timestamptz;
BEGIN
    IF p_current THEN
        SELECT min(b.window_start) INTO v_since FROM moose.budget_buckets b
        WHERE now() >= b.window_start AND now() < b.window_end AND b.window_start > '-infinity';
        RETURN QUERY
            WITH open AS (
                SELECT h.owner, h.token, h.number, h.estimate_u, h.bucket_ids FROM moose.leases l
                JOIN moose.budget_holds h ON h.owner = l.id AND h.token = l.token
                WHERE h.state IN ('held', 'dispatched')
                UNION
                SELECT h.owner, h.token, h.number, h.estimate_u, h.bucket_ids FROM moose.budget_holds h
                WHERE h.expires_at IS NOT NULL AND h.state IN ('held', 'dispatched')
            ), held AS (
                SELECT x.id, sum(o.estimate_u)::bigint AS amount FROM open o, unnest(o.bucket_ids) AS x (id) GROUP BY 1
            ), posted AS (
                SELECT x.id, sum(c.amount)::bigint AS amount
                FROM (SELECT t.bucket_ids, sum(t.amount_u) AS amount FROM moose.cost_tracking t
                      WHERE t.created_at >= v_since GROUP BY 1) c, unnest(c.bucket_ids) AS x (id) GROUP BY 1
            )
            SELECT * FROM moose.bucket_differences(
                (SELECT array_agg(h.id) FROM held h), (SELECT array_agg(h.amount) FROM held h),
                (SELECT array_agg(p.id) FROM posted p), (SELECT array_agg(p.amount) FROM posted p)) d
            WHERE d.window_start >= v_since;
    ELSE
        RETURN QUERY
            WITH held AS (
                SELECT x.id, sum(h.estimate_u)::bigint AS amount
                FROM moose.budget_holds h, unnest(h.bucket_ids) AS x (id)
                WHERE h.state IN ('held', 'dispatched') GROUP BY 1
            ), posted AS (
                SELECT x.id, sum(c.amount)::bigint AS amount
                FROM (SELECT t.bucket_ids, sum(t.amount_u) AS amount FROM moose.cost_tracking t GROUP BY 1) c,
                     unnest(c.bucket_ids) AS x (id) GROUP BY 1
            )
            SELECT * FROM moose.bucket_differences(
                (SELECT array_agg(h.id) FROM held h), (SELECT array_agg(h.amount) FROM held h),
                (SELECT array_agg(p.id) FROM posted p), (SELECT array_agg(p.amount) FROM posted p));
    END IF;
END $$;

CREATE FUNCTION moose.bucket_differences(p_held_ids bigint[], p_held bigint[], p_posted_ids bigint[], p_posted bigint[])
RETURNS TABLE (bucket_id bigint, scope text, name text, period text, window_start timestamptz,
               held_u bigint, held_expected_u bigint, posted_u bigint, posted_expected_u bigint)
LANGUAGE sql STABLE AS $$
    SELECT b.id, p.scope, p.name, p.period, b.window_start,
           b.held_u, coalesce(h.amount, 0), b.posted_u, coalesce(c.amount, 0)
    FROM moose.budget_buckets b
    LEFT JOIN moose.budget_policies p ON p.id = b.policy_id
    LEFT JOIN unnest(p_held_ids, p_held) AS h (id, amount) ON h.id = b.id
    LEFT JOIN unnest(p_posted_ids, p_posted) AS c (id, amount) ON c.id = b.id
    WHERE b.held_u <> coalesce(h.amount, 0) OR b.posted_u <> coalesce(c.amount, 0)
$$;

-- Retention, a range of table blocks at a time, so that nothing else waits: deletes closed holds, and ledger entries
-- after carrying their sums over. Returns the next block to ask for, NULL at the end. Only what is older than 40 days,
-- so that every window it counts in has ended (a `total` one keeps its sum through the carried entries).
CREATE FUNCTION moose.prune_holds(p_before timestamptz, p_block bigint, p_blocks integer, p_dry boolean,
                                  OUT deleted bigint, OUT next_block bigint) LANGUAGE plpgsql AS $$
BEGIN
    IF p_dry THEN
        deleted := (
            SELECT count(*) FROM moose.budget_holds h
            WHERE h.ctid >= format('(%s,0)', p_block)::tid AND h.ctid < format('(%s,0)', p_block + p_blocks)::tid
              AND h.state NOT IN ('held', 'dispatched') AND h.closed_at < least(p_before, now() - interval '40 days'));
    ELSE
        DELETE FROM moose.budget_holds h
        WHERE h.ctid >= format('(%s,0)', p_block)::tid AND h.ctid < format('(%s,0)', p_block + p_blocks)::tid
          AND h.state NOT IN ('held', 'dispatched') AND h.closed_at < least(p_before, now() - interval '40 days');
        GET DIAGNOSTICS deleted = ROW_COUNT;
    END IF;
    next_block := nullif(least(p_block + p_blocks, moose.blocks_of('moose.budget_holds')),
                         moose.blocks_of('moose.budget_holds'));
END $$;

CREATE FUNCTION moose.prune_ledger(p_before timestamptz, p_block bigint, p_blocks integer, p_dry boolean,
                                   OUT deleted bigint, OUT next_block bigint) LANGUAGE plpgsql AS $$
BEGIN
    IF p_dry THEN
        deleted := (
            SELECT count(*) FROM moose.cost_tracking c
            WHERE c.ctid >= format('(%s,0)', p_block)::tid AND c.ctid < format('(%s,0)', p_block + p_blocks)::tid
              AND c.entry <> 'carried' AND c.created_at < least(p_before, now() - interval '40 days'));
    ELSE
        PERFORM set_config('moose.pruning', 'on', true);
        WITH gone AS (
            DELETE FROM moose.cost_tracking c
            WHERE c.ctid >= format('(%s,0)', p_block)::tid AND c.ctid < format('(%s,0)', p_block + p_blocks)::tid
              AND c.entry <> 'carried' AND c.created_at < least(p_before, now() - interval '40 days')
            RETURNING c.bucket_ids, c.amount_u, c.created_at
        ), carried AS (
            INSERT INTO moose.cost_tracking (owner, token, number, entry, amount_u, bucket_ids, created_at)
            SELECT gen_random_uuid(), 0, 0, 'carried', sum(g.amount_u)::bigint, g.bucket_ids, max(g.created_at)
            FROM gone g GROUP BY g.bucket_ids
        )
        SELECT count(*) INTO deleted FROM gone;
        PERFORM set_config('moose.pruning', 'off', true);
    END IF;
    next_block := nullif(least(p_block + p_blocks, moose.blocks_of('moose.cost_tracking')),
                         moose.blocks_of('moose.cost_tracking'));
END $$;

CREATE FUNCTION moose.blocks_of(p_table regclass) RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_relation_size(p_table) / current_setting('block_size')::bigint
$$;
