-- Time: work orders written by SQL, the relay's side of the outbox, and schedules.

-- What the wire decoder would refuse is refused here, with a word on what to do. p_order: the body without its id.
CREATE FUNCTION moose.check_order(p_id uuid, p_order jsonb) RETURNS void LANGUAGE plpgsql AS $$
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
CREATE FUNCTION moose.put_order(
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

-- A work order from SQL: it is published when the caller's transaction has committed, and never when that was rolled
-- back. Answers its id. For callers without any right to Moose's tables; see deploy/postgres/enqueue-client.sql.
CREATE FUNCTION moose.enqueue(
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

-- The same for roles that don't see the schema: whoever can name a table can hold a lock of it. PREPARE takes one without
-- asking for a right, and CREATE RULE waits for one before it does.
CREATE FUNCTION public.enqueue_work_order(
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

-- An instant as the wire format wants it; beyond what it can say, something that check_order refuses.
CREATE FUNCTION moose.wire_time(p_at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN isfinite(p_at) AND p_at >= '0001-01-01 00:00:00Z'
                THEN to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') ELSE p_at::text END
$$;

-- The relay takes what is due for 30 s; it publishes without a transaction open, then deletes what was confirmed.
-- p_skip: destinations that are busy or take nothing now, as exchange, line feed, routing key. However many are due, their
-- bodies are 16 MB together, or it is one.
CREATE FUNCTION moose.lease_outbox(p_lease uuid, p_limit integer, p_skip text[])
RETURNS TABLE (id uuid, doorbell_for uuid, exchange text, routing_key text, type text, correlation_id text,
               app_id text, reply_to text, traceparent text, body bytea, lag_seconds double precision)
LANGUAGE sql AS $$
    UPDATE moose.outbox o SET lease = p_lease, leased_until = now() + interval '30 seconds'
    FROM (SELECT due.id, sum(due.size) OVER (ORDER BY due.due_at, due.id) - due.size AS before
          FROM (SELECT x.id, x.due_at, octet_length(x.body) AS size FROM moose.outbox x
                WHERE x.due_at <= now() AND (x.leased_until IS NULL OR x.leased_until < now())
                  AND (p_skip = '{}' OR NOT x.exchange || E'\n' || x.routing_key = ANY (p_skip))
                ORDER BY x.due_at LIMIT p_limit FOR UPDATE SKIP LOCKED) due) mine
    WHERE o.id = mine.id AND mine.before < 16000000
    RETURNING o.id, o.doorbell_for, o.exchange, o.routing_key, o.type, o.correlation_id, o.app_id, o.reply_to,
              o.traceparent, o.body, extract(epoch FROM now() - o.due_at)::double precision
$$;

-- Deletes what was confirmed, unless it was rung again meanwhile (then its lease is no longer the same). A row that somebody
-- holds just now is being rung again, so it is passed by: no waiting, and no deadlock.
CREATE FUNCTION moose.delete_outbox(p_ids uuid[], p_leases uuid[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM moose.outbox o
    WHERE o.id IN (SELECT x.id FROM moose.outbox x JOIN unnest(p_ids, p_leases) AS i (id, lease)
                   ON x.id = i.id AND x.lease = i.lease FOR UPDATE OF x SKIP LOCKED)
$$;

-- Gives back what was not published, through no fault of its own.
CREATE FUNCTION moose.release_outbox(p_ids uuid[], p_leases uuid[]) RETURNS void LANGUAGE sql AS $$
    UPDATE moose.outbox o SET lease = NULL, leased_until = NULL
    WHERE o.id IN (SELECT x.id FROM moose.outbox x JOIN unnest(p_ids, p_leases) AS i (id, lease)
                   ON x.id = i.id AND x.lease = i.lease FOR UPDATE OF x SKIP LOCKED)
$$;

-- What the broker refused for what it is: later again, with a growing wait of at most 5 minutes; after ten times, or at
-- once where it can never pass, a dead letter with its error event. A doorbell stays, and so does what goes to an exchange of
-- Moose itself, which an operator can bring back: that is told once an hour. p_final NULL: it was refused alone, where others
-- passed; then also what goes to Moose's own exchanges becomes a dead letter after ten times.
CREATE FUNCTION moose.refuse_outbox(p_ids uuid[], p_leases uuid[], p_errors text[], p_final boolean[])
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_refused uuid[];
    v_buried uuid[];
BEGIN
    WITH refused AS (
        UPDATE moose.outbox o
        SET refusals = o.refusals + 1, lease = NULL, leased_until = NULL,
            due_at = now() + least(300, 2 ^ least(o.refusals, 9)) * (0.5 + random() / 2) * interval '1 second'
        FROM unnest(p_ids, p_leases) AS i (id, lease) WHERE o.id = i.id AND o.lease = i.lease
        RETURNING o.id)
    SELECT array_agg(r.id) INTO v_refused FROM refused r;

    v_buried := ARRAY(
        SELECT o.id FROM moose.outbox o JOIN unnest(p_ids, p_final) AS i (id, final) ON i.id = o.id
        WHERE o.id = ANY (v_refused) AND o.doorbell_for IS NULL
          AND (i.final OR o.refusals >= 10 AND (i.final IS NULL OR o.exchange NOT LIKE 'moose.%')));
    IF v_buried <> '{}' THEN
        PERFORM moose.bury_batch(
            array_agg('unpublishable'::text),
            array_agg(format('the relay could not publish it (tries: %s): %s', o.refusals, i.error)),
            array_agg(CASE o.type WHEN 'moose.work-order.v1' THEN o.id END), array_agg(NULL::text),
            array_agg(CASE o.exchange WHEN 'moose.work' THEN o.routing_key END), array_agg(o.exchange),
            array_agg(o.routing_key), array_agg(o.body),
            array_agg(jsonb_strip_nulls(jsonb_build_object(
                'message_id', o.id, 'type', o.type, 'correlation_id', o.correlation_id, 'app_id', o.app_id,
                'reply_to', o.reply_to, 'header.traceparent', o.traceparent))::text), array_agg(false))
        FROM moose.outbox o JOIN unnest(p_ids, p_errors) AS i (id, error) ON i.id = o.id
        WHERE o.id = ANY (v_buried);
        DELETE FROM moose.outbox o WHERE o.id = ANY (v_buried);
    END IF;
    PERFORM moose.report(
        moose.event_id('exchange ' || t.exchange, extract(epoch FROM date_trunc('hour', now()))::bigint, 'refused'),
        'relay', 'publish', 'critical',
        format('the broker refuses messages to the exchange %s: %s; they wait in the outbox', t.exchange, t.error),
        NULL, 'infrastructure', jsonb_build_object('exchange', t.exchange))
    FROM (SELECT o.exchange, min(i.error) AS error
          FROM moose.outbox o JOIN unnest(p_ids, p_errors) AS i (id, error) ON i.id = o.id
          WHERE o.id = ANY (v_refused) AND o.refusals >= 10 GROUP BY 1) t;
    RETURN coalesce(cardinality(v_buried), 0);
END $$;

-- Seconds until the next row becomes due; NULL when none will.
CREATE FUNCTION moose.outbox_wait() RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT extract(epoch FROM min(o.due_at) - now())::double precision FROM moose.outbox o
    WHERE o.due_at > now() AND o.due_at < 'infinity'
$$;

-- Periodic work. Any number of processes look; the one that moves next_run_at has written the order in the same commit.
CREATE TABLE moose.schedules (
    name           text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,99}$'),
    cron           text NOT NULL,
    time_zone      text NOT NULL,
    -- The body of each order, without what is different each time.
    template       jsonb NOT NULL,
    next_run_at    timestamptz NOT NULL,
    last_run_at    timestamptz,
    last_order     uuid,
    -- Ticks that nobody was there for. They are made up for by one order, never by a storm of them.
    missed         bigint NOT NULL DEFAULT 0,
    paused_at      timestamptz,
    paused_by      text,
    paused_because text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CHECK ((paused_at IS NULL) = (paused_by IS NULL))
);
CREATE INDEX schedules_due ON moose.schedules (next_run_at) WHERE paused_at IS NULL;

-- Who changed a schedule and why (see moose.act_as); ticks are no changes. Wakes those who wait for the next tick.
CREATE FUNCTION moose.schedule_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    v_after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
    INSERT INTO moose.audit_log (who, action, subject, before, after, reason)
    VALUES (coalesce(nullif(current_setting('moose.who', true), ''), session_user), 'schedule ' || lower(TG_OP),
            'schedule ' || (coalesce(v_after, v_before) ->> 'name'), v_before, v_after,
            nullif(current_setting('moose.reason', true), ''));
    PERFORM pg_notify('moose_schedules', '');
    RETURN NULL;
END $$;
CREATE TRIGGER schedules_changed AFTER INSERT OR DELETE OR UPDATE OF cron, time_zone, template, paused_at
    ON moose.schedules FOR EACH ROW EXECUTE FUNCTION moose.schedule_changed();

-- Writes the order of each tick that is due and moves the schedule on: both or neither, once over all processes. A schedule
-- that somebody changed, paused or fired meanwhile is passed by. Answers what was written.
CREATE FUNCTION moose.fire_schedules(
    p_names text[], p_crons text[], p_zones text[], p_seen timestamptz[], p_next timestamptz[], p_missed bigint[],
    p_now timestamptz
) RETURNS TABLE (name text, tick timestamptz, work_order uuid) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_row record;
    v_id uuid;
BEGIN
    FOR v_row IN
        SELECT s.name, s.next_run_at AS tick, s.template, i.next, i.missed
        FROM moose.schedules s
        JOIN unnest(p_names, p_crons, p_zones, p_seen, p_next, p_missed) AS i (name, cron, zone, seen, next, missed)
          ON i.name = s.name AND i.cron = s.cron AND i.zone = s.time_zone AND i.seen = s.next_run_at
        WHERE s.paused_at IS NULL AND s.next_run_at <= coalesce(p_now, now())
        ORDER BY s.name FOR NO KEY UPDATE OF s SKIP LOCKED
    LOOP
        v_id := moose.tick_id(v_row.name, v_row.tick);
        BEGIN
            PERFORM moose.put_scheduled(v_id, v_row.name, v_row.template, v_row.tick);
        EXCEPTION WHEN data_exception OR SQLSTATE 'MS006' THEN
            -- Only its own tick is lost, and told.
            PERFORM moose.report(
                moose.event_id('schedule ' || v_row.name, extract(epoch FROM v_row.tick)::bigint, 'refused'),
                'scheduler', 'tick', 'critical',
                format('the schedule %s could not write its order: %s', v_row.name, SQLERRM), NULL, 'invalid_input',
                jsonb_build_object('schedule', v_row.name));
            v_id := NULL;
        END;
        UPDATE moose.schedules s
        SET next_run_at = v_row.next, last_run_at = v_row.tick, last_order = v_id, missed = s.missed + v_row.missed
        WHERE s.name = v_row.name;
        IF v_row.missed > 0 THEN
            PERFORM moose.report(
                moose.event_id('schedule ' || v_row.name, extract(epoch FROM v_row.tick)::bigint, 'missed'),
                'scheduler', 'tick', 'warning',
                format('nobody was there for %s ticks of the schedule %s since %s; one order makes up for them',
                       v_row.missed, v_row.name, moose.wire_time(v_row.tick)),
                v_id, 'infrastructure', jsonb_build_object('schedule', v_row.name));
        END IF;
        RETURN QUERY SELECT v_row.name, v_row.tick, v_id WHERE v_id IS NOT NULL;
    END LOOP;
END $$;

-- The order of one tick. The handler finds the schedule and the tick in its body.
CREATE FUNCTION moose.put_scheduled(p_id uuid, p_name text, p_template jsonb, p_tick timestamptz) RETURNS uuid
LANGUAGE sql AS $$
    SELECT moose.put_order(
        p_id, p_template || jsonb_build_object('schedule', p_name, 'scheduled_for', moose.wire_time(p_tick)),
        'moose scheduler', NULL, NULL, NULL)
$$;

-- The id of a tick's order: always the same for the same schedule and tick. Like version 7 it begins with the time, which
-- keeps indexes dense; the rest is a digest (RFC 9562 calls that version 8), which nobody else can tell beforehand: an
-- order that is there under this id keeps the tick from being written.
CREATE FUNCTION moose.tick_id(p_name text, p_tick timestamptz) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM p_tick) * 1000)::bigint), 12, '0')
            || '8' || substr(d.hex, 1, 3) || '8' || substr(d.hex, 4, 15))::uuid
    FROM replace(moose.event_id('schedule ' || p_name, (extract(epoch FROM p_tick) * 1000000)::bigint, 'tick')::text,
                 '-', '') AS d (hex)
$$;

-- Takes schedules whose next tick can't be told out of service, so that a person sees why. One event each.
CREATE FUNCTION moose.stop_schedules(p_names text[], p_reasons text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE moose.schedules s SET paused_at = now(), paused_by = 'moose', paused_because = i.reason
    FROM unnest(p_names, p_reasons) AS i (name, reason) WHERE s.name = i.name AND s.paused_at IS NULL;
    PERFORM moose.report(
        moose.event_id('schedule ' || i.name, extract(epoch FROM now())::bigint, 'stopped'), 'scheduler', 'tick',
        'critical', format('the schedule %s is paused, its next tick can''t be told: %s', i.name, i.reason), NULL,
        'invalid_input', jsonb_build_object('schedule', i.name))
    FROM unnest(p_names, p_reasons) AS i (name, reason);
END $$;

-- Seconds until the next tick; NULL when there is no schedule that ticks.
CREATE FUNCTION moose.schedule_wait() RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT extract(epoch FROM min(s.next_run_at) - now())::double precision FROM moose.schedules s
    WHERE s.paused_at IS NULL
$$;

-- How far a zone is ahead of UTC, and each instant at which that changes. The database's clocks and zones decide, so that
-- all processes agree. Two changes within a day would be seen as one; there never were any.
CREATE FUNCTION moose.zone_offsets(p_zone text, p_from timestamptz, p_to timestamptz)
RETURNS TABLE (starts_at bigint, seconds_east bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_at bigint := floor(extract(epoch FROM p_from));
    v_end bigint := floor(extract(epoch FROM p_to));
    v_low bigint; v_high bigint; v_middle bigint;
    v_next bigint;
BEGIN
    starts_at := v_at;
    seconds_east := moose.zone_offset(p_zone, v_at);
    RETURN NEXT;
    WHILE v_at < v_end LOOP
        v_next := moose.zone_offset(p_zone, v_at + 86400);
        IF v_next <> seconds_east THEN
            v_low := v_at;
            v_high := v_at + 86400;
            WHILE v_high - v_low > 1 LOOP
                v_middle := (v_low + v_high) / 2;
                IF moose.zone_offset(p_zone, v_middle) = seconds_east THEN v_low := v_middle; ELSE v_high := v_middle; END IF;
            END LOOP;
            starts_at := v_high;
            seconds_east := v_next;
            RETURN NEXT;
        END IF;
        v_at := v_at + 86400;
    END LOOP;
END $$;

CREATE FUNCTION moose.zone_offset(p_zone text, p_epoch bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT extract(epoch FROM (to_timestamp(p_epoch) AT TIME ZONE p_zone)
                              - (to_timestamp(p_epoch) AT TIME ZONE 'UTC'))::bigint
$$;
