-- The budgets that paths count against now: each path is a project, an agent, a handler and a model. Creates the
-- bucket of a policy where this is its window's first use. One row a path and bucket.
CREATE OR REPLACE FUNCTION moose.path_buckets(p_projects text[], p_agents text[], p_handlers text[], p_models text[])
RETURNS TABLE (path integer, bucket_id bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_path integer[]; v_policy bigint[]; v_start timestamptz[]; v_end timestamptz[]; v_exempt boolean[];
BEGIN
    SELECT array_agg(q.path), array_agg(p.id), array_agg(w.window_start), array_agg(w.window_end),
           array_agg(p.period = 'day' AND p.scope IN ('org', 'project') AND x.agent IS NOT NULL)
    INTO v_path, v_policy, v_start, v_end, v_exempt
    FROM unnest(p_projects, p_agents, p_handlers, p_models)
         WITH ORDINALITY AS q (project, agent, handler, model, path)
    LEFT JOIN moose.budget_exempt_agents x ON x.agent = q.agent
    CROSS JOIN LATERAL (VALUES ('org', 'org'), ('project', q.project), ('agent', q.agent), ('handler', q.handler),
                               ('model', q.model)) AS s (scope, name)
    JOIN moose.budget_policies p ON p.scope = s.scope AND p.name = s.name
    CROSS JOIN LATERAL moose.budget_window(p.period, p.time_zone, now()) w;

    INSERT INTO moose.budget_buckets (policy_id, window_start, window_end, exempt)
        SELECT DISTINCT v.policy, v.window_start, v.window_end, v.exempt
        FROM unnest(v_policy, v_start, v_end, v_exempt) AS v (policy, window_start, window_end, exempt)
        WHERE NOT EXISTS (SELECT 1 FROM moose.budget_buckets b WHERE b.policy_id = v.policy
                          AND b.window_start = v.window_start AND b.exempt = v.exempt)
        ORDER BY v.policy, v.exempt
        ON CONFLICT DO NOTHING;
    RETURN QUERY
        SELECT v.path, b.id
        FROM unnest(v_path, v_policy, v_start, v_exempt) AS v (path, policy, window_start, exempt)
        JOIN moose.budget_buckets b
          ON b.policy_id = v.policy AND b.window_start = v.window_start AND b.exempt = v.exempt;
END $$;
