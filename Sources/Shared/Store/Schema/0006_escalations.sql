-- What a person must see. Equal failures are one open escalation with a count; an event counts once, however often
-- it is delivered.

CREATE TABLE moose.escalations (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    state          text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'acknowledged', 'snoozed', 'resolving', 'resolved')),
    -- A digest of what equal failures have in common.
    fingerprint    text NOT NULL CHECK (octet_length(fingerprint) <= 100),
    trigger_type   text NOT NULL,
    failure_class  text NOT NULL,
    severity       text NOT NULL,
    component      text NOT NULL,
    operation      text NOT NULL,
    handler        text,
    message        text NOT NULL,
    work_order_id  uuid,
    count          bigint NOT NULL,
    options        json NOT NULL,
    version        integer NOT NULL DEFAULT 1,
    first_seen     timestamptz NOT NULL DEFAULT now(),
    last_seen      timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX escalations_open ON moose.escalations (fingerprint) WHERE state <> 'resolved';
CREATE INDEX escalations_recent ON moose.escalations (last_seen DESC);

CREATE TABLE moose.escalation_events (
    event_id      uuid PRIMARY KEY,
    escalation_id uuid NOT NULL,
    work_order_id uuid,
    message       text NOT NULL,
    details       json NOT NULL DEFAULT '{}',
    occurred_at   timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX escalation_events_of ON moose.escalation_events (escalation_id, recorded_at);
CREATE INDEX escalation_events_work_order ON moose.escalation_events (work_order_id) WHERE work_order_id IS NOT NULL;
