-- What is still to be said: doorbells, error events, replies. The relay publishes each with a confirm, then deletes it.

CREATE TABLE moose.outbox (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- Set on doorbells only: at most one waits per work order.
    doorbell_for   uuid,
    exchange       text NOT NULL,
    routing_key    text NOT NULL,
    type           text NOT NULL,
    correlation_id text,
    -- Further properties, of work orders only.
    app_id         text,
    reply_to       text,
    traceparent    text,
    body           bytea NOT NULL DEFAULT '',
    due_at         timestamptz NOT NULL DEFAULT now(),
    -- How often the broker refused it for what it is.
    refusals       integer NOT NULL DEFAULT 0,
    lease          uuid,
    leased_until   timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE UNIQUE INDEX outbox_doorbell ON moose.outbox (doorbell_for) WHERE doorbell_for IS NOT NULL;
CREATE INDEX outbox_due ON moose.outbox (due_at);

-- Rings for work orders at given times. One doorbell a work order: an earlier time wins, and one that is just being
-- published (leased) is rung again rather than lost with its confirm.
CREATE FUNCTION moose.ring(p_ids uuid[], p_lanes text[], p_due timestamptz[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO moose.outbox AS o (doorbell_for, exchange, routing_key, type, due_at)
    SELECT id, 'moose.work', lane, 'moose.doorbell.v1', due
    FROM unnest(p_ids, p_lanes, p_due) AS i (id, lane, due)
    ORDER BY id
    ON CONFLICT (doorbell_for) WHERE doorbell_for IS NOT NULL DO UPDATE
    SET due_at = CASE WHEN o.lease IS NULL THEN least(o.due_at, excluded.due_at) ELSE excluded.due_at END,
        routing_key = excluded.routing_key, lease = NULL, leased_until = NULL
$$;

-- What only this database knows. No role but the tables' owner and workers need it, and none of them shows it.
CREATE TABLE moose.installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    secret   bytea NOT NULL
);
INSERT INTO moose.installation (secret)
VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

-- The id of an error event: the same order, claim and cause always give the same, so that a repeat counts once. The
-- secret in it keeps whoever may publish events from sending one under the id of another that is still to come, which
-- would then not count. What makes an event news belongs into token or cause.
CREATE FUNCTION moose.event_id(p_subject text, p_token bigint, p_cause text) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT encode(substr(sha256(i.secret || sha256(i.secret || convert_to(
               p_subject || ':' || p_token || ':' || p_cause, 'UTF8'))), 1, 16), 'hex')::uuid
    FROM moose.installation i
$$;

-- Writes an error event into the outbox, in the transaction of whatever went wrong. Its details are texts by name.
CREATE FUNCTION moose.report(
    p_event uuid, p_component text, p_operation text, p_severity text, p_message text, p_work_order uuid,
    p_failure_class text, p_details jsonb DEFAULT '{}'
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO moose.outbox (id, exchange, routing_key, type, body)
    VALUES (
        p_event, 'moose.events',
        'error.' || p_severity || '.' || regexp_replace(p_component, '[^A-Za-z0-9]', '_', 'g'),
        'moose.error-event.v1',
        convert_to(jsonb_strip_nulls(jsonb_build_object(
            'id', p_event, 'component', p_component, 'operation', p_operation, 'severity', p_severity,
            'message', p_message, 'work_order_id', p_work_order, 'failure_class', p_failure_class,
            'details', (SELECT coalesce(jsonb_object_agg(d.key, d.value) FILTER (WHERE d.value IS NOT NULL), '{}')
                        FROM jsonb_each_text(p_details) AS d),
            'occurred_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))::text, 'UTF8'))
    ON CONFLICT (id) DO NOTHING
$$;
