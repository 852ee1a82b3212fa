-- CI results come back. An attempt that made a pull request leaves its order in needs_review; what the workflows of
-- that pull request say completes or fails it, or a person decides.
--
-- A result may come before its order knows the pull request's number: it waits here, is looked at again with backoff,
-- and at once when the order arrives.

-- Each webhook's delivery is taken once.
CREATE TABLE moose.sentinel_deliveries (
    delivery_id text PRIMARY KEY CHECK (octet_length(delivery_id) <= 200),
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sentinel_deliveries_old ON moose.sentinel_deliveries (received_at);

-- One row for each attempt of a workflow's run, and each pull request it belongs to.
CREATE TABLE moose.workflow_runs (
    repository   text NOT NULL CHECK (octet_length(repository) <= 400),
    pull_request integer NOT NULL,
    run_id       bigint NOT NULL,
    run_attempt  integer NOT NULL,
    workflow     text NOT NULL,
    head_sha     text NOT NULL,
    conclusion   text NOT NULL,
    url          text,
    -- waiting: no verdict has counted it yet. unmatched: no order waits for it; counts again should one come.
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'judged', 'unmatched')),
    tries        integer NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL DEFAULT now(),
    received_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (repository, pull_request, run_id, run_attempt)
);
CREATE INDEX workflow_runs_due ON moose.workflow_runs (due_at) WHERE state = 'waiting';
CREATE INDEX workflow_runs_pull_request ON moose.workflow_runs (pull_request);
CREATE INDEX workflow_runs_old ON moose.workflow_runs (received_at);
