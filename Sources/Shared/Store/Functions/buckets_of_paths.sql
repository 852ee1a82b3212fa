-- The budgets that paths count against now: each path is a project, an agent, a handler and a model. Creates the
-- bucket of a policy where this is its window's first use. Pairs of a path and a bucket, ordered by both.
-- It replaces path_buckets, which returned rows.
DROP FUNCTION IF EXISTS moose.path_buckets(text[], text[], text[], text[]);
CREATE OR REPLACE FUNCTION moose.buckets_of_paths(
    p_projects text[], p_agents text[], p_handlers text[], p_models text[], OUT paths integer[], OUT bucket_ids bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_policies bigint[]; v_starts timestamptz[]; v_ends timestamptz[]; v_exempt boolean[];
BEGIN
    -- A second look finds what was missing: its own rows, or those it waited for.
    LOOP
        SELECT array_agg(b.path), array_agg(b.id), array_agg(b.policy), array_agg(b.window_start),
               array_agg(b.window_end), array_agg(b.exempt)
        INTO paths, bucket_ids, v_policies, v_starts, v_ends, v_exempt
        FROM (
            SELECT w.*, b.id
            FROM (
                SELECT q.path, p.id AS policy, w.window_start, w.window_end,
                       p.period = 'day' AND p.scope IN ('org', 'project') AND x.agent IS NOT NULL AS exempt
                FROM unnest(p_projects, p_agents, p_handlers, p_models)
                     WITH ORDINALITY AS q (project, agent, handler, model, path)
                LEFT JOIN moose.budget_exempt_agents x ON x.agent = q.agent
                CROSS JOIN LATERAL (VALUES ('org', 'org'), ('project', q.project), ('agent', q.agent),
                                           ('handler', q.handler), ('model', q.model)) AS s (scope, name)
                JOIN moose.budget_policies p ON p.scope = s.scope AND p.name = s.name
                CROSS JOIN LATERAL moose.budget_window(p.period, p.time_zone, now()) w) w
            LEFT JOIN moose.budget_buckets b
                ON b.policy_id = ANY (ARRAY[w.policy]) AND b.window_start = w.window_start AND b.exempt = w.exempt
            ORDER BY w.path, b.id) b;
        EXIT WHEN array_position(bucket_ids, NULL) IS NULL;
        INSERT INTO moose.budget_buckets (policy_id, window_start, window_end, exempt)
            SELECT DISTINCT v.policy, v.window_start, v.window_end, v.exempt
            FROM unnest(bucket_ids, v_policies, v_starts, v_ends, v_exempt)
                 AS v (id, policy, window_start, window_end, exempt)
            WHERE v.id IS NULL
            ORDER BY v.policy, v.exempt
            ON CONFLICT DO NOTHING;
    END LOOP;
END $$;
