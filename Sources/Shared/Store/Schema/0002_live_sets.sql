-- The live sets: which orders wait, which run and which went wrong, a narrow row each. A row is written only under the
-- lock of its work order, except for the expiry of a lease. Orders that completed are in none: they cost nothing.

-- scheduled, pending, retrying, awaiting_budget or blocked.
CREATE TABLE moose.waiting (
    id     uuid PRIMARY KEY,
    state  text NOT NULL CHECK (octet_length(state) <= 40),
    lane   text NOT NULL CHECK (octet_length(lane) <= 63),
    run_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX waiting_line ON moose.waiting (state, lane, run_at, id);

-- in_progress: who works it, under which token and by which claim, until when. The expiry is in no index, so a
-- heartbeat is a HOT update.
CREATE TABLE moose.leases (
    id         uuid PRIMARY KEY,
    token      bigint NOT NULL,
    worker     uuid NOT NULL,
    claim      uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    -- Somebody asked for the end of the attempt.
    to_stop    boolean NOT NULL DEFAULT false
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX leases_to_stop ON moose.leases (worker) WHERE to_stop;

-- failed, needs_review or cancelled.
CREATE TABLE moose.wrong (
    id    uuid PRIMARY KEY,
    state text NOT NULL CHECK (octet_length(state) <= 40)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX wrong_state ON moose.wrong (state, id);

-- What was told of orders that run for very long: once for each claim and level.
CREATE TABLE moose.stuck_reports (
    work_order_id uuid NOT NULL REFERENCES moose.work_orders (id) ON DELETE CASCADE,
    fencing_token bigint NOT NULL,
    level         text NOT NULL CHECK (level IN ('warned', 'escalated')),
    reported_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (work_order_id, fencing_token, level)
);
