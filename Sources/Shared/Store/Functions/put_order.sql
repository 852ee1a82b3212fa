-- What the wire decoder would refuse is refused here, with a word on what to do. p_order: the body without its id.
CREATE OR REPLACE FUNCTION moose.check_order(p_id uuid, p_order jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c_uuid constant text := '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
    v_flaw text;
    v_list text;
BEGIN
    SELECT f.field || ' must ' || f.rule INTO v_flaw
    FROM (VALUES
        ('kind', 'match ^[a-z0-9][a-z0-9._-]{0,99}$', true, 'string',
         p_order ->> 'kind' ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
        ('title', 'have 1 to 500 characters', true, 'string', char_length(p_order ->> 'title') BETWEEN 1 AND 500),
        ('lane', 'match ^[a-z0-9][a-z0-9_-]{0,62}$', false, 'string',
         p_order ->> 'lane' ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
        ('project', 'have 1 to 200 characters', false, 'string',
         char_length(p_order ->> 'project') BETWEEN 1 AND 200),
        ('agent', 'have 1 to 200 characters', false, 'string', char_length(p_order ->> 'agent') BETWEEN 1 AND 200),
        ('estimated_cost_usd', 'be between 0 and 1000000000', false, 'string',
         CASE WHEN p_order ->> 'estimated_cost_usd' ~ '^[0-9]+(\.[0-9]+)?$'
              THEN ceil((p_order ->> 'estimated_cost_usd')::numeric * 1000000) <= 1000000000000000 END),
        ('max_attempts', 'be a whole number between 1 and 100', false, 'number',
         CASE WHEN p_order ->> 'max_attempts' ~ '^[0-9]{1,9}$'
              THEN (p_order ->> 'max_attempts')::integer BETWEEN 1 AND 100 END),
        ('timeout_seconds', 'be a whole number between 1 and 604800', false, 'number',
         CASE WHEN p_order ->> 'timeout_seconds' ~ '^[0-9]{1,9}$'
              THEN (p_order ->> 'timeout_seconds')::integer BETWEEN 1 AND 604800 END),
        ('priority', 'be a whole number between 0 and 9', false, 'number', p_order ->> 'priority' ~ '^[0-9]$'),
        ('run_at', 'lie between the years 1 and 9999', false, 'string',
         p_order ->> 'run_at' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$'),
        ('depends_on', 'name at most 1000 orders', false, 'array',
         jsonb_array_length(CASE WHEN jsonb_typeof(p_order -> 'depends_on') = 'array'
                                 THEN p_order -> 'depends_on' END) <= 1000),
        ('complexity', 'be between 0 and 1', false, 'number',
         CASE WHEN jsonb_typeof(p_order -> 'complexity') = 'number'
              THEN (p_order ->> 'complexity')::numeric BETWEEN 0 AND 1 AND length(p_order ->> 'complexity') <= 20 END),
        ('risk_level', 'be low, medium, high or critical', false, 'string',
         p_order ->> 'risk_level' IN ('low', 'medium', 'high', 'critical')),
        -- Not [:cntrl:], which is another in each locale.
        ('concurrency_key', 'have 1 to 200 characters, none of them a control character', false, 'string',
         p_order ->> 'concurrency_key' ~ '^[^\u0001-\u001F\u007F-\u009F]{1,200}$'),
        ('unique_key', 'have 1 to 200 characters, none of them a control character', false, 'string',
         p_order ->> 'unique_key' ~ '^[^\u0001-\u001F\u007F-\u009F]{1,200}$'),
        ('unique_seconds', 'be a whole number between 1 and 31536000', false, 'number',
         CASE WHEN p_order ->> 'unique_seconds' ~ '^[0-9]{1,9}$'
              THEN (p_order ->> 'unique_seconds')::integer BETWEEN 1 AND 31536000 END),
        ('acceptance_criteria', 'be texts', false, 'array', true),
        ('files_in_scope', 'be texts', false, 'array', true),
        ('metadata', 'be an object', false, 'object', true),
        ('id', 'be given as an argument', false, 'none', false)
    ) AS f (field, rule, required, type, is_right)
    WHERE (f.required OR p_order ? f.field)
      AND (jsonb_typeof(p_order -> f.field) = f.type AND f.is_right) IS NOT TRUE
    LIMIT 1;

    IF v_flaw IS NULL THEN
        SELECT format(CASE WHEN l.field <> 'depends_on' THEN '%s holds something that is not a text'
                           WHEN e.value #>> '{}' ~* c_uuid THEN '%s names the order itself'
                           ELSE '%s holds something that is not a UUID' END, l.field) INTO v_flaw
        FROM unnest(ARRAY['depends_on', 'acceptance_criteria', 'files_in_scope']) AS l (field)
        CROSS JOIN LATERAL jsonb_array_elements(coalesce(p_order -> l.field, '[]')) AS e (value)
        WHERE jsonb_typeof(e.value) <> 'string'
           OR l.field = 'depends_on' AND (e.value #>> '{}' !~* c_uuid OR lower(e.value #>> '{}') = p_id::text)
        LIMIT 1;
    END IF;
    -- Deeper than readers go. A body that short can't be.
    IF v_flaw IS NULL AND length(p_order::text) > 1000
        AND jsonb_path_exists(p_order, 'strict $.**{512 to last} ? (@.type() == "object" || @.type() == "array")') THEN
        v_flaw := 'the body is deeper than 512 levels';
    END IF;
    IF v_flaw IS NOT NULL THEN
        RAISE EXCEPTION '%', v_flaw USING ERRCODE = '22023',
            HINT = 'A worker would refuse such an order. docs/wire-format.md lists the limits of all fields.';
    END IF;
END $$;

-- Writes a work order into the outbox, in the caller's transaction. The same id with the same content is written once.
CREATE OR REPLACE FUNCTION moose.put_order(
    p_id uuid, p_order jsonb, p_app_id text, p_reply_to text, p_correlation_id text, p_traceparent text
) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_body bytea := convert_to((jsonb_build_object('id', p_id) || p_order)::text, 'UTF8');
    v_flaw text;
    v_same boolean;
BEGIN
    PERFORM moose.check_order(p_id, p_order);
    IF octet_length(v_body) > 1048576 THEN
        RAISE EXCEPTION 'the body has % bytes; the limit is 1048576', octet_length(v_body) USING ERRCODE = '22023',
            HINT = 'Keep large inputs elsewhere and put a reference into the payload.';
    END IF;
    SELECT p.name INTO v_flaw
    FROM (VALUES ('app_id', p_app_id), ('reply_to', p_reply_to), ('correlation_id', p_correlation_id),
                 ('traceparent', p_traceparent)) AS p (name, value)
    WHERE octet_length(p.value) NOT BETWEEN 1 AND 255 LIMIT 1;
    IF v_flaw IS NOT NULL THEN
        RAISE EXCEPTION '% must have 1 to 255 bytes', v_flaw USING ERRCODE = '22023',
            HINT = 'It travels as a property of the message. Leave it out where there is none.';
    END IF;

    SELECT w.digest = substr(sha256(v_body), 1, 16) INTO v_same
    FROM (SELECT o.digest FROM moose.work_orders o WHERE o.id = p_id
          UNION ALL SELECT f.digest FROM moose.pruned_orders f WHERE f.id = p_id) w;
    IF NOT FOUND THEN
        INSERT INTO moose.outbox (id, exchange, routing_key, type, correlation_id, app_id, reply_to, traceparent, body)
        VALUES (p_id, 'moose.work', coalesce(p_order ->> 'lane', 'default'), 'moose.work-order.v1', p_correlation_id,
                p_app_id, p_reply_to, p_traceparent, v_body)
        ON CONFLICT (id) DO NOTHING;
        IF FOUND THEN
            PERFORM pg_notify('moose_outbox', '');
        ELSE
            SELECT o.body = v_body INTO v_same FROM moose.outbox o WHERE o.id = p_id;
        END IF;
    END IF;
    IF v_same IS FALSE THEN
        RAISE EXCEPTION 'the id % was used before with another content', p_id USING ERRCODE = 'MS006',
            HINT = 'An id names one work order for ever. Repeat it only with the same arguments, or take a new one.';
    END IF;
    RETURN p_id;
END $$;

-- An instant as the wire format wants it; beyond what it can say, something that check_order refuses.
CREATE OR REPLACE FUNCTION moose.wire_time(p_at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN isfinite(p_at) AND p_at >= '0001-01-01 00:00:00Z'
                THEN to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') ELSE p_at::text END
$$;
