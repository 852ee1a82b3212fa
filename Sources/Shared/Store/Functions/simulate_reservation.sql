-- What a reservation would be told now, budget by budget; takes nothing and locks nothing.
CREATE OR REPLACE FUNCTION moose.simulate_reservation(
    p_estimate_u bigint, p_project text, p_agent text, p_handler text, p_model text
) RETURNS TABLE (scope text, name text, period text, exempt boolean, used_u bigint, cap_u bigint, answer text)
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
