-- Flow: which lanes are paused, how many orders of a lane, a kind or a key run at once, how many start in a time, and
-- which orders are the only ones of their key. All of it holds over all processes, and nothing of it costs a claim more
-- than a few array tests where nobody uses it.

-- What an operator set for a lane. A lane without a row has no limit and the weight of moose.yaml.
CREATE TABLE moose.lanes (
    name         text PRIMARY KEY CHECK (octet_length(name) <= 63),
    weight       integer CHECK (weight BETWEEN 1 AND 100),
    paused_at    timestamptz,
    paused_by    text,
    paused_why   text,
    concurrency  integer CHECK (concurrency > 0),
    rate         integer CHECK (rate > 0),
    rate_seconds integer CHECK (rate_seconds > 0),
    CHECK ((rate IS NULL) = (rate_seconds IS NULL)),
    CHECK ((paused_at IS NULL) = (paused_by IS NULL))
);

-- Every lane there was work for, as workers and Client Managers were configured: the broker can't be asked which of its
-- queues are Moose's.
CREATE TABLE moose.known_lanes (
    name    text PRIMARY KEY CHECK (octet_length(name) <= 63),
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- Lanes with work that nobody takes, as they were seen last.
CREATE TABLE moose.untended_lanes (
    name      text PRIMARY KEY CHECK (octet_length(name) <= 63),
    since     timestamptz NOT NULL DEFAULT now(),
    -- Stored orders that have not ended, up to 100,000, and messages in the queue; NULL: it has no queue.
    stored    bigint NOT NULL,
    queued    bigint,
    told_at   timestamptz
);

-- What limited orders pass when they are claimed: "lane NAME", "kind KIND" or "key KEY". A row is locked while a claim
-- judges it and while an end frees it, after work orders and before buckets, in the order of names.
CREATE TABLE moose.gates (
    name         text PRIMARY KEY CHECK (octet_length(name) <= 900),
    -- The limits of the last claim; a lane's stand in moose.lanes.
    concurrency  integer,
    rate         integer,
    rate_seconds integer,
    -- Orders in progress that passed it (see work_orders.gates).
    running      integer NOT NULL DEFAULT 0,
    -- The bucket of the rate: full at rate, refilled by rate in rate_seconds.
    tokens       double precision,
    refilled_at  timestamptz,
    used_at      timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- Orders a gate held back, oldest first. rung_at: woken and on the way to a worker; its place is kept for a minute.
CREATE TABLE moose.gate_waits (
    work_order_id uuid PRIMARY KEY,
    gate          text NOT NULL CHECK (octet_length(gate) <= 900),
    reason        text NOT NULL CHECK (reason IN ('paused', 'concurrency', 'rate')),
    since         timestamptz NOT NULL,
    rung_at       timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX gate_waits_line ON moose.gate_waits (gate, since, work_order_id) WHERE rung_at IS NULL;
CREATE INDEX gate_waits_rung ON moose.gate_waits (gate, rung_at) WHERE rung_at IS NOT NULL;

-- Who holds a unique key: an order that has not ended, or one that completed and whose period lasts.
CREATE TABLE moose.unique_keys (
    key           text PRIMARY KEY CHECK (octet_length(key) <= 900),
    work_order_id uuid NOT NULL,
    held_until    timestamptz,
    looked_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX unique_keys_looked_at ON moose.unique_keys (looked_at);
