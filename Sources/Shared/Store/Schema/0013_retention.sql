-- Retention: what is finished and old goes, in short steps that nothing waits for. Ids go on being recognised for a
-- time of their own, from one small row each.

-- Orders that are gone. An id that comes again is still no new order.
CREATE TABLE moose.pruned_orders (
    id        uuid PRIMARY KEY,
    -- Of the body, as in work_orders; empty where the order was cancelled before its message came.
    digest    bytea NOT NULL,
    state     text NOT NULL,
    ended_at  timestamptz NOT NULL,
    pruned_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- The daily run: one process at a time, for as long as it renews its lease.
CREATE TABLE moose.retention (
    only_one     boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    due_at       timestamptz NOT NULL,
    lease        uuid,
    leased_until timestamptz,
    finished_at  timestamptz,
    counts       jsonb
);
INSERT INTO moose.retention (due_at) VALUES (now() + interval '1 hour');
