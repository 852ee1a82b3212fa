-- Every budget with its window of now. hourly_u: what was posted in the last hour, as a rate (NULL: watched for less
-- than a minute). empty_at: when the cap is reached at that rate, if within the window.
CREATE OR REPLACE FUNCTION moose.budget_status() RETURNS TABLE (
    policy_id bigint, scope text, name text, period text, time_zone text, soft_u bigint, hard_u bigint, kill_u bigint,
    cap_u bigint, raised_u bigint, raised_until timestamptz, frozen boolean, window_start timestamptz,
    window_end timestamptz, held_u bigint, posted_u bigint, exempt_u bigint, hourly_u bigint, empty_at timestamptz
) LANGUAGE sql STABLE AS $$
    SELECT l.id, l.scope, l.name, l.period, l.time_zone, l.soft_u, l.hard_u, l.kill_u, l.cap_u,
           CASE WHEN p.raised_until > now() THEN p.raised_u END,
           CASE WHEN p.raised_until > now() THEN p.raised_until END,
           l.frozen, u.window_start, u.window_end, coalesce(b.held_u, 0), coalesce(b.posted_u, 0),
           coalesce(x.held_u + x.posted_u, 0), r.hourly_u,
           CASE WHEN r.hourly_u > 0 AND now() + e.hours * interval '1 hour' < u.window_end
                THEN now() + e.hours * interval '1 hour' END
    FROM moose.budget_limits l
    JOIN moose.budget_policies p ON p.id = l.id
    CROSS JOIN LATERAL moose.budget_window(l.period, l.time_zone, now()) u
    LEFT JOIN moose.budget_buckets b
        ON b.policy_id = ANY (ARRAY[l.id]) AND b.window_start = u.window_start AND NOT b.exempt
    LEFT JOIN moose.budget_buckets x
        ON x.policy_id = ANY (ARRAY[l.id]) AND x.window_start = u.window_start AND x.exempt
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

CREATE OR REPLACE FUNCTION moose.sample_burn() RETURNS void LANGUAGE sql AS $$
    DELETE FROM moose.budget_burn s WHERE s.ctid = ANY (ARRAY(
        SELECT o.ctid FROM moose.budget_burn o WHERE o.at < now() - interval '2 hours' LIMIT 10000));
    INSERT INTO moose.budget_burn (bucket_id, at, posted_u)
    SELECT b.id, date_trunc('minute', now()), b.posted_u FROM moose.budget_buckets b
    WHERE now() >= b.window_start AND now() < b.window_end AND NOT b.exempt
    ON CONFLICT DO NOTHING;
$$;

-- What the organisation's day has used so far.
CREATE OR REPLACE FUNCTION moose.day_total() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(b.held_u + b.posted_u), 0)::bigint FROM moose.budget_policies p
    CROSS JOIN LATERAL moose.budget_window(p.period, p.time_zone, now()) u
    JOIN moose.budget_buckets b ON b.policy_id = ANY (ARRAY[p.id]) AND b.window_start = u.window_start AND NOT b.exempt
    WHERE p.scope = 'org' AND p.period = 'day'
$$;
