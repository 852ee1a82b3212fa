-- The truth about every job. A message on the broker is only a doorbell; what counts stands here.

CREATE TABLE moose.work_order_transitions (
    from_state text NOT NULL CHECK (octet_length(from_state) <= 40),
    to_state   text NOT NULL CHECK (octet_length(to_state) <= 40),
    PRIMARY KEY (from_state, to_state)
);
COMMENT ON TABLE moose.work_order_transitions IS
    'The legal moves of a work order; a trigger refuses all others. from_state "new" is the insert.';

INSERT INTO moose.work_order_transitions (from_state, to_state)
SELECT f, t
FROM (VALUES
    (ARRAY['new'],
     ARRAY['scheduled', 'pending', 'in_progress', 'awaiting_budget', 'blocked', 'failed', 'cancelled']),
    (ARRAY['scheduled', 'pending', 'retrying', 'awaiting_budget'],
     ARRAY['in_progress', 'scheduled', 'pending', 'awaiting_budget', 'blocked', 'failed', 'cancelled']),
    (ARRAY['in_progress'],
     ARRAY['completed', 'retrying', 'failed', 'awaiting_budget', 'pending', 'scheduled', 'needs_review', 'cancelled']),
    (ARRAY['blocked', 'needs_review'],
     ARRAY['pending', 'failed', 'cancelled']),
    -- What CI says of an attempt (see 0010_sentinel.sql).
    (ARRAY['needs_review'],
     ARRAY['completed']),
    (ARRAY['failed'],
     ARRAY['pending', 'needs_review', 'blocked', 'cancelled'])
) AS rule (froms, tos), unnest(froms) AS f, unnest(tos) AS t
WHERE f <> t;

CREATE TABLE moose.work_orders (
    id               uuid PRIMARY KEY,
    state            text NOT NULL,
    kind             text NOT NULL,
    lane             text NOT NULL,
    title            text NOT NULL,
    project          text,
    agent            text,
    -- What one attempt reserves, in micro-USD. NULL until a worker that knows the kind prices it.
    estimate_u       bigint CHECK (estimate_u >= 0),
    attempt          integer NOT NULL DEFAULT 0,
    max_attempts     integer,
    timeout_seconds  integer,
    run_at           timestamptz NOT NULL,
    -- Rises at every claim and never resets: only who holds the current one may end the attempt (see moose.leases).
    fencing_token    bigint NOT NULL DEFAULT 0,
    started_at       timestamptz,
    worker_losses    integer NOT NULL DEFAULT 0,
    unknown_since    timestamptz,
    -- The message as it was published, byte for byte, and the first half of its SHA-256 to recognise it again.
    body             bytea NOT NULL,
    digest           bytea NOT NULL,
    app_id           text,
    reply_to         text,
    correlation_id   text,
    traceparent      text,
    -- While it waits for money, and until it is claimed again: the budget policies it counts against, and the least
    -- that would let it run.
    waits_on         bigint[],
    waits_for_u      bigint,
    -- At most so many of a key at once, and only one of a key at all (see 0007_flow.sql). gates: those the running
    -- attempt passed.
    concurrency_key  text,
    unique_key       text,
    -- Until when it keeps its unique key should it complete.
    unique_until     timestamptz,
    gates            text[],
    result           bytea,
    error            text,
    failure_class    text,
    -- Of one that is failed: its dead letter's reason, by whoever made it fail; NULL: exhausted.
    letter_reason    text,
    -- The pull request an attempt made, and the commit it pushed: while that is named, older commits are not judged.
    github_pr_number integer,
    github_repository text,
    github_head_sha  text,
    -- Since when it waits for CI; empty before, and once there was a verdict.
    ci_since         timestamptz,
    metadata         jsonb NOT NULL DEFAULT '{}',
    created_at       timestamptz NOT NULL DEFAULT now(),
    finished_at      timestamptz,
    -- Somebody asked for the end of an attempt that runs (see cancel.sql); kept when a result came first.
    cancel_requested_at timestamptz,
    cancel_who       text,
    cancel_reason    text,
    -- What is indexed has a bound, here as at every door: a row too large for its index stops whoever writes it.
    CHECK (octet_length(state) <= 40 AND octet_length(kind) <= 100 AND octet_length(lane) <= 63)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- No index here names, not even in its predicate, what changes when an attempt begins or ends as it should: so that end
-- is a HOT update, in the page the order stands in (which has room for it: fillfactor). What is asked for by its state
-- is found in the live sets (0002_live_sets.sql). A test holds this.
CREATE INDEX work_orders_for_money ON moose.work_orders (waits_on, created_at, id) WHERE waits_on IS NOT NULL;
CREATE INDEX work_orders_dear ON moose.work_orders (waits_on, estimate_u) WHERE waits_on IS NOT NULL;
CREATE INDEX work_orders_unknown ON moose.work_orders (kind, lane) WHERE unknown_since IS NOT NULL;
CREATE INDEX work_orders_pull_request ON moose.work_orders (github_pr_number) WHERE github_pr_number IS NOT NULL;
CREATE INDEX work_orders_awaiting_ci ON moose.work_orders (ci_since) WHERE ci_since IS NOT NULL;

-- One row an attempt, whatever came of it.
CREATE TABLE moose.outcome_vectors (
    work_order_id uuid NOT NULL,
    fencing_token bigint NOT NULL,
    attempt       integer NOT NULL,
    outcome       text NOT NULL,
    success       boolean NOT NULL,
    cost_u        bigint,
    handler       text,
    worker        uuid,
    duration_ms   bigint,
    failure_class text,
    error         text,
    output        text,
    tokens_in     bigint,
    tokens_out    bigint,
    started_at    timestamptz,
    finished_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (work_order_id, fencing_token)
);
