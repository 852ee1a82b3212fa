-- The budget ledger. Money is bigint micro-USD. A bucket is one policy in one period window; a hold counts against
-- every bucket of its path at once; cost_tracking is the append-only ledger of what was posted.

-- Micro-USD as dollars without trailing zeros.
CREATE FUNCTION moose.dollars(p_micro bigint) RETURNS numeric LANGUAGE sql IMMUTABLE
RETURN trim_scale(p_micro / 1000000.0);

-- Locked as a table, and always empty: reservations share it (ROW SHARE), whoever changes limits has it alone (EXCLUSIVE).
-- A lock that needs rights on a table nobody else can take, as anybody can an advisory one.
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

-- What is in force now. The cap is the kill, else the hard limit, or a raise above it; no cap: only tracked.
CREATE VIEW moose.budget_limits AS
SELECT p.id, p.scope, p.name, p.period, p.time_zone, p.soft_u, p.hard_u, p.kill_u,
       greatest(coalesce(p.kill_u, p.hard_u),
                CASE WHEN p.raised_until > now() AND coalesce(p.kill_u, p.hard_u) IS NOT NULL THEN p.raised_u END)
           AS cap_u,
       f.scope IS NOT NULL AS frozen
FROM moose.budget_policies p
LEFT JOIN moose.budget_freezes f ON f.scope = p.scope AND f.name = p.name;

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
CREATE INDEX cost_tracking_recent ON moose.cost_tracking USING brin (created_at) WITH (pages_per_range = 32, autosummarize);

CREATE FUNCTION moose.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('moose.pruning', true) = 'on' THEN RETURN NULL; END IF;
    RAISE EXCEPTION 'cost_tracking is append-only' USING ERRCODE = 'MS002',
        HINT = 'Post a correcting entry instead of changing or deleting one.';
END $$;
CREATE TRIGGER cost_tracking_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON moose.cost_tracking
    FOR EACH STATEMENT EXECUTE FUNCTION moose.refuse_change();

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

-- The window of a period that an instant falls into, in the policy's time zone (so days have their real length). A
-- midnight that the clocks skip is the instant after it; of one that they show twice, because they go back an hour at
-- one, it is the first, where the server would take the second.
CREATE FUNCTION moose.budget_window(p_period text, p_zone text, p_at timestamptz,
                                    OUT window_start timestamptz, OUT window_end timestamptz)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_start timestamp; v_end timestamp;
BEGIN
    IF p_period = 'total' THEN
        window_start := '-infinity';
        window_end := 'infinity';
        RETURN;
    END IF;
    v_start := date_trunc(p_period, p_at AT TIME ZONE p_zone);
    v_end := v_start + CASE p_period WHEN 'day' THEN interval '1 day' ELSE interval '1 month' END;
    window_start := v_start AT TIME ZONE p_zone;
    window_end := v_end AT TIME ZONE p_zone;
    IF (window_start - interval '1 hour') AT TIME ZONE p_zone >= v_start THEN
        window_start := window_start - interval '1 hour';
    END IF;
    IF (window_end - interval '1 hour') AT TIME ZONE p_zone >= v_end THEN
        window_end := window_end - interval '1 hour';
    END IF;
END $$;

-- The budgets that paths count against now: each path is a project, an agent, a handler and a model. Creates the
-- bucket of a policy where this is its window's first use. One row a path and bucket.
CREATE FUNCTION moose.path_buckets(p_projects text[], p_agents text[], p_handlers text[], p_models text[])
RETURNS TABLE (path integer, bucket_id bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_path integer[]; v_policy bigint[]; v_start timestamptz[]; v_end timestamptz[]; v_exempt boolean[];
BEGIN
    SELECT array_agg(q.path), array_agg(p.id), array_agg(w.window_start), array_agg(w.window_end),
           array_agg(p.period = 'day' AND p.scope IN ('org', 'project') AND x.agent IS NOT NULL)
    INTO v_path, v_policy, v_start, v_end, v_exempt
    FROM unnest(p_projects, p_agents, p_handlers, p_models)
         WITH ORDINALITY AS q (project, agent, handler, model, path)
    LEFT JOIN moose.budget_exempt_agents x ON x.agent = q.agent
    CROSS JOIN LATERAL (VALUES ('org', 'org'), ('project', q.project), ('agent', q.agent), ('handler', q.handler),
                               ('model', q.model)) AS s (scope, name)
    JOIN moose.budget_policies p ON p.scope = s.scope AND p.name = s.name
    CROSS JOIN LATERAL moose.budget_window(p.period, p.time_zone, now()) w;

    INSERT INTO moose.budget_buckets (policy_id, window_start, window_end, exempt)
        SELECT DISTINCT v.policy, v.window_start, v.window_end, v.exempt
        FROM unnest(v_policy, v_start, v_end, v_exempt) AS v (policy, window_start, window_end, exempt)
        WHERE NOT EXISTS (SELECT 1 FROM moose.budget_buckets b WHERE b.policy_id = v.policy
                          AND b.window_start = v.window_start AND b.exempt = v.exempt)
        ORDER BY v.policy, v.exempt
        ON CONFLICT DO NOTHING;
    RETURN QUERY
        SELECT v.path, b.id
        FROM unnest(v_path, v_policy, v_start, v_exempt) AS v (path, policy, window_start, exempt)
        JOIN moose.budget_buckets b
          ON b.policy_id = v.policy AND b.window_start = v.window_start AND b.exempt = v.exempt;
END $$;
