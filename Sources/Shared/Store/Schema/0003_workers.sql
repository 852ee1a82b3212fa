-- Who works, and what one process at a time does.

CREATE TABLE moose.workers (
    id         uuid PRIMARY KEY,
    host       text NOT NULL,
    pid        integer NOT NULL,
    version    text NOT NULL,
    lanes      text[] NOT NULL,
    kinds      text[] NOT NULL,
    -- How many attempts it makes of each of its kinds where an order doesn't say.
    kind_attempts integer[] NOT NULL DEFAULT '{}',
    slots      integer NOT NULL,
    running    integer NOT NULL DEFAULT 0,
    -- It takes nothing new and lets its jobs end, whoever told it to.
    draining   boolean NOT NULL DEFAULT false,
    started_at timestamptz NOT NULL DEFAULT now(),
    last_seen  timestamptz NOT NULL DEFAULT now(),
    stopped_at timestamptz,
    -- When others found that it had stopped without a word; empty again should it come back.
    lost_at    timestamptz,
    -- The parent that keeps it among others, and its number there; empty for a worker on its own.
    supervisor     uuid,
    supervisor_pid integer,
    process_number integer,
    resident_bytes bigint
) WITH (fillfactor = 50);

-- What workers were told and do until they end. A lane without a row has the slots it was started with.
CREATE TABLE moose.worker_commands (
    worker  uuid NOT NULL REFERENCES moose.workers (id) ON DELETE CASCADE,
    command text NOT NULL CHECK (command IN ('drain', 'resize')),
    lane    text NOT NULL DEFAULT '' CHECK (octet_length(lane) <= 63),
    slots   integer CHECK (slots BETWEEN 1 AND 10000),
    who     text NOT NULL,
    reason  text,
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (worker, command, lane),
    CHECK ((command = 'resize') = (slots IS NOT NULL) AND (command = 'resize') = (lane <> ''))
);

-- What one process at a time does: who holds the row does it. place: where a round that goes in pieces goes on.
CREATE TABLE moose.turns (
    name  text PRIMARY KEY CHECK (octet_length(name) <= 63),
    place text NOT NULL DEFAULT ''
) WITH (fillfactor = 50);
INSERT INTO moose.turns (name)
VALUES ('wake_for_money'), ('wake_gates'), ('tidy_gate_waits'), ('tidy_gates'), ('review_waits');
