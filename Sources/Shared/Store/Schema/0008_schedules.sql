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
