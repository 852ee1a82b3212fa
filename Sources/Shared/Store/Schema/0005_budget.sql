-- The budget ledger. Money is bigint micro-USD. A bucket is one policy in one period window; a hold counts against
-- every bucket of its path at once; cost_tracking is the append-only ledger of what was posted.

-- Locked as a table, and always empty: reservations share it (ROW SHARE), whoever changes limits has it alone
-- (EXCLUSIVE). A lock that needs rights on a table nobody else can take, as anybody can an advisory one.
CREATE TABLE moose.limits_lock ();

CREATE TABLE moose.budget_policies (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope        text NOT NULL CHECK (scope IN ('org', 'project', 'agent', 'handler', 'model')),
    name         text NOT NULL CHECK (octet_length(name) <= 800),
    period       text NOT NULL CHECK (period IN ('day', 'month', 'total')),
    soft_u       bigint CHECK (soft_u >= 0),
    hard_u       bigint CHECK (hard_u >= 0 AND hard_u >= soft_u),
    kill_u       bigint CHECK (kill_u >= 0 AND kill_u >= hard_u AND kill_u >= soft_u),
    -- A raise of the cap for a while; a new one replaces it.
    raised_u     bigint CHECK (raised_u >= 0),
    raised_until timestamptz,
    time_zone    text NOT NULL DEFAULT 'UTC',
    updated_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (scope, name, period),
    CHECK (scope <> 'org' OR name = 'org'),
    CHECK ((raised_u IS NULL) = (raised_until IS NULL))
);

INSERT INTO moose.budget_policies (scope, name, period, soft_u, hard_u, kill_u) VALUES
    ('org', 'org', 'day', 20000000, 50000000, 100000000),
    ('org', 'org', 'month', 500000000, NULL, 600000000);

-- The kill switch of a scope: while a row stands here, it is granted nothing that costs money.
CREATE TABLE moose.budget_freezes (
    scope  text NOT NULL CHECK (octet_length(scope) <= 40),
    name   text NOT NULL CHECK (octet_length(name) <= 800),
    since  timestamptz NOT NULL DEFAULT now(),
    who    text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (scope, name)
);

-- Agents that the daily budgets of the org and of projects don't stop. They are tracked apart there, and count in
-- every other budget.
CREATE TABLE moose.budget_exempt_agents (agent text PRIMARY KEY CHECK (octet_length(agent) <= 800));
INSERT INTO moose.budget_exempt_agents VALUES ('architect');

-- The row that each change of limits writes shows those who reserve in a transaction that sees the past that it is
-- past.
CREATE TABLE moose.budget_limits_version (version bigint NOT NULL) WITH (fillfactor = 10);
INSERT INTO moose.budget_limits_version VALUES (0);

CREATE TABLE moose.budget_buckets (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    policy_id    bigint NOT NULL,
    window_start timestamptz NOT NULL,
    window_end   timestamptz NOT NULL,
    -- What exempt agents use in this window: tracked, never refused.
    exempt       boolean NOT NULL DEFAULT false,
    held_u       bigint NOT NULL DEFAULT 0 CHECK (held_u >= 0),
    posted_u     bigint NOT NULL DEFAULT 0,
    -- What was already told in this window (soft, economy, 50, 80, 100, spent, ...): once each.
    reported     text[] NOT NULL DEFAULT '{}',
    UNIQUE (policy_id, window_start, exempt)
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

CREATE TABLE moose.budget_holds (
    -- A hold is named by (work order or reservation, fencing token, number), so a repeated request finds its own.
    owner      uuid NOT NULL,
    token      bigint NOT NULL,
    number     smallint NOT NULL DEFAULT 0,
    state      text NOT NULL
               CHECK (state IN ('held', 'dispatched', 'settled', 'cancelled', 'expired', 'presumed_spent')),
    estimate_u bigint NOT NULL CHECK (estimate_u >= 0),
    actual_u   bigint CHECK (actual_u >= 0),
    -- The buckets it counts against, in id order, and the cap of each when it was granted (NULL: none). No foreign
    -- key: it would lock the hot rows.
    bucket_ids bigint[] NOT NULL,
    caps_u     bigint[] NOT NULL,
    -- It was closed without its real cost, which arrived later.
    late       boolean NOT NULL DEFAULT false,
    handler    text,
    metadata   jsonb,
    -- Only for holds without a lease of a work order: from then on expired, or presumed spent.
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at  timestamptz,
    PRIMARY KEY (owner, token, number)
    -- Half a page is left free, so that closing a hold finds room beside it and touches no index.
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX budget_holds_expiring ON moose.budget_holds (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE moose.cost_tracking (
    owner      uuid NOT NULL,
    token      bigint NOT NULL,
    number     smallint NOT NULL,
    -- settled: the real cost. presumed: the estimate, because the real cost is not known. late: the difference when
    -- the real cost arrived after all. corrected: a person's correction. carried: the sum of pruned entries.
    entry      text NOT NULL CHECK (entry IN ('settled', 'presumed', 'late', 'corrected', 'carried')),
    -- Counts corrections; 0 for all else, so that nothing is posted twice.
    nth        smallint NOT NULL DEFAULT 0,
    amount_u   bigint NOT NULL,
    bucket_ids bigint[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, token, number, entry, nth)
);

-- Rows are appended in time order, so a few pages of index find the entries since an instant.
CREATE INDEX cost_tracking_recent ON moose.cost_tracking USING brin (created_at)
    WITH (pages_per_range = 32, autosummarize);

-- What was posted when, once a minute, so that a rate can be told without reading the ledger.
CREATE TABLE moose.budget_burn (
    bucket_id bigint NOT NULL,
    at        timestamptz NOT NULL,
    posted_u  bigint NOT NULL,
    PRIMARY KEY (bucket_id, at)
);

-- Every change an operator made, with the values before and after.
CREATE TABLE moose.audit_log (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    who     text NOT NULL,
    action  text NOT NULL,
    subject text NOT NULL CHECK (octet_length(subject) <= 2000),
    before  jsonb,
    after   jsonb,
    reason  text
);
CREATE INDEX audit_log_subject ON moose.audit_log (subject, at DESC);
