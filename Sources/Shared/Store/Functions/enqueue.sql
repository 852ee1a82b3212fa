-- A work order from SQL: it is published when the caller's transaction has committed, and never when that was rolled
-- back. Answers its id. For callers without any right to Moose's tables; see deploy/postgres/enqueue-client.sql.
CREATE OR REPLACE FUNCTION moose.enqueue(
    kind text, payload jsonb DEFAULT NULL, title text DEFAULT NULL, lane text DEFAULT 'default', id uuid DEFAULT NULL,
    project text DEFAULT NULL, agent text DEFAULT NULL, estimated_cost_usd numeric DEFAULT NULL,
    max_attempts integer DEFAULT NULL, timeout_seconds integer DEFAULT NULL, run_at timestamptz DEFAULT NULL,
    depends_on uuid[] DEFAULT NULL, complexity numeric DEFAULT NULL, risk_level text DEFAULT NULL,
    acceptance_criteria text[] DEFAULT NULL, files_in_scope text[] DEFAULT NULL, metadata jsonb DEFAULT NULL,
    concurrency_key text DEFAULT NULL, unique_key text DEFAULT NULL, unique_seconds integer DEFAULT NULL,
    -- Any other fields of the body.
    fields jsonb DEFAULT '{}',
    app_id text DEFAULT NULL, reply_to text DEFAULT NULL, correlation_id text DEFAULT NULL,
    traceparent text DEFAULT NULL
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_order jsonb;
    v_taken text;
BEGIN
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        -- Whoever hears of the commit relies on it.
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    -- NULLs are left out, but for those inside of the payload and the metadata.
    SELECT coalesce(jsonb_object_agg(f.name, f.value) FILTER (WHERE f.value IS NOT NULL), '{}') INTO v_order
    FROM (VALUES
        ('kind', to_jsonb(kind)), ('title', to_jsonb(coalesce(title, kind))), ('payload', payload),
        ('lane', to_jsonb(lane)), ('project', to_jsonb(project)), ('agent', to_jsonb(agent)),
        ('estimated_cost_usd', to_jsonb(estimated_cost_usd::text)), ('max_attempts', to_jsonb(max_attempts)),
        ('timeout_seconds', to_jsonb(timeout_seconds)), ('run_at', to_jsonb(moose.wire_time(run_at))),
        ('depends_on', to_jsonb(depends_on)), ('complexity', to_jsonb(complexity)),
        ('risk_level', to_jsonb(risk_level)), ('acceptance_criteria', to_jsonb(acceptance_criteria)),
        ('files_in_scope', to_jsonb(files_in_scope)), ('metadata', metadata),
        ('concurrency_key', to_jsonb(concurrency_key)), ('unique_key', to_jsonb(unique_key)),
        ('unique_seconds', to_jsonb(unique_seconds))) AS f (name, value);
    IF jsonb_typeof(coalesce(fields, '{}')) <> 'object' THEN
        RAISE EXCEPTION 'fields must be an object' USING ERRCODE = '22023',
            HINT = 'Such as fields => ''{"ticket": 17}''.';
    END IF;
    SELECT k INTO v_taken FROM jsonb_object_keys(coalesce(fields, '{}')) AS k
    WHERE k IN ('id', 'kind', 'title', 'payload', 'lane', 'project', 'agent', 'estimated_cost_usd', 'max_attempts',
                'timeout_seconds', 'run_at', 'depends_on', 'complexity', 'risk_level', 'acceptance_criteria',
                'files_in_scope', 'metadata', 'concurrency_key', 'unique_key', 'unique_seconds') LIMIT 1;
    IF v_taken IS NOT NULL THEN
        RAISE EXCEPTION 'fields must not hold %, which is an argument of its own', v_taken USING ERRCODE = '22023',
            HINT = format('Write %s => ... instead.', v_taken);
    END IF;
    RETURN moose.put_order(coalesce(id, moose.time_ordered_id()), v_order || coalesce(fields, '{}'),
                           coalesce(app_id, session_user), reply_to, correlation_id, traceparent);
END $$;
REVOKE EXECUTE ON FUNCTION moose.enqueue FROM PUBLIC;

-- The same for roles that don't see the schema: whoever can name a table can hold a lock of it. PREPARE takes one
-- without asking for a right, and CREATE RULE waits for one before it does.
CREATE OR REPLACE FUNCTION public.enqueue_work_order(
    kind text, payload jsonb DEFAULT NULL, title text DEFAULT NULL, lane text DEFAULT 'default', id uuid DEFAULT NULL,
    project text DEFAULT NULL, agent text DEFAULT NULL, estimated_cost_usd numeric DEFAULT NULL,
    max_attempts integer DEFAULT NULL, timeout_seconds integer DEFAULT NULL, run_at timestamptz DEFAULT NULL,
    depends_on uuid[] DEFAULT NULL, complexity numeric DEFAULT NULL, risk_level text DEFAULT NULL,
    acceptance_criteria text[] DEFAULT NULL, files_in_scope text[] DEFAULT NULL, metadata jsonb DEFAULT NULL,
    concurrency_key text DEFAULT NULL, unique_key text DEFAULT NULL, unique_seconds integer DEFAULT NULL,
    -- Any other fields of the body.
    fields jsonb DEFAULT '{}',
    app_id text DEFAULT NULL, reply_to text DEFAULT NULL, correlation_id text DEFAULT NULL,
    traceparent text DEFAULT NULL
) RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT moose.enqueue(
        kind, payload, title, lane, id, project, agent, estimated_cost_usd, max_attempts, timeout_seconds, run_at,
        depends_on, complexity, risk_level, acceptance_criteria, files_in_scope, metadata, concurrency_key,
        unique_key, unique_seconds, fields, app_id, reply_to, correlation_id, traceparent)
$$;
REVOKE EXECUTE ON FUNCTION public.enqueue_work_order FROM PUBLIC;
