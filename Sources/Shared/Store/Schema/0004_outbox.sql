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

-- What only this database knows. No role but the tables' owner and workers need it, and none of them shows it.
CREATE TABLE moose.installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    secret   bytea NOT NULL
);
INSERT INTO moose.installation (secret)
VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));
