-- The budget ledger. Money is bigint micro-USD. A bucket is one policy in one period window; a hold counts against
-- every bucket of its path at once; cost_tracking is the append-only ledger of what was posted.

-- Micro-USD as dollars without trailing zeros.
CREATE FUNCTION moose.dollars(p_micro bigint) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT trim_scale(p_micro / 1000000.0)
$$;

CREATE TABLE moose.budget_policies (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope      text NOT NULL CHECK (scope IN ('org', 'project')),
    name       text NOT NULL,
    period     text NOT NULL CHECK (period IN ('day', 'month', 'total')),
    soft_u     bigint CHECK (soft_u >= 0),
    hard_u     bigint CHECK (hard_u >= 0),
    kill_u     bigint CHECK (kill_u >= 0),
    time_zone  text NOT NULL DEFAULT 'UTC',
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (scope, name, period),
    -- The cap is the kill, else the hard cap: one of them must be there.
    CHECK (coalesce(kill_u, hard_u) IS NOT NULL)
);

INSERT INTO moose.budget_policies (scope, name, period, soft_u, hard_u, kill_u) VALUES
    ('org', 'org', 'day', 20000000, 50000000, 100000000),
    ('org', 'org', 'month', 500000000, NULL, 600000000);

CREATE TABLE moose.budget_buckets (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    policy_id    bigint NOT NULL,
    window_start timestamptz NOT NULL,
    window_end   timestamptz NOT NULL,
    held_u       bigint NOT NULL DEFAULT 0 CHECK (held_u >= 0),
    posted_u     bigint NOT NULL DEFAULT 0,
    -- Refusal reasons already reported in this window: one escalation each, not one per refusal.
    reported     text[] NOT NULL DEFAULT '{}',
    UNIQUE (policy_id, window_start)
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

CREATE TABLE moose.budget_holds (
    -- A hold is named by (work order or reservation, fencing token, number), so a repeated request finds its own.
    owner      uuid NOT NULL,
    token      bigint NOT NULL,
    number     smallint NOT NULL DEFAULT 0,
    state      text NOT NULL CHECK (state IN ('dispatched', 'settled', 'cancelled', 'presumed_spent')),
    estimate_u bigint NOT NULL CHECK (estimate_u >= 0),
    actual_u   bigint CHECK (actual_u >= 0),
    -- The buckets it counts against. No foreign key: it would lock the hot rows.
    bucket_ids bigint[] NOT NULL,
    -- It was presumed spent before its real cost arrived.
    late       boolean NOT NULL DEFAULT false,
    service    text,
    -- Only for holds without a lease of a work order: presumed spent from then on.
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at  timestamptz,
    PRIMARY KEY (owner, token, number)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX budget_holds_expiring ON moose.budget_holds (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE moose.cost_tracking (
    owner      uuid NOT NULL,
    token      bigint NOT NULL,
    number     smallint NOT NULL,
    -- settled: the real cost. presumed: the estimate, because the real cost is not known. late: the difference when
    -- the real cost of a presumed hold arrived after all.
    entry      text NOT NULL CHECK (entry IN ('settled', 'presumed', 'late')),
    amount_u   bigint NOT NULL,
    bucket_ids bigint[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, token, number, entry)
);

CREATE FUNCTION moose.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'cost_tracking is append-only' USING ERRCODE = 'MS002',
        HINT = 'Post a correcting entry instead of changing or deleting one.';
END $$;
CREATE TRIGGER cost_tracking_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON moose.cost_tracking
    FOR EACH STATEMENT EXECUTE FUNCTION moose.refuse_change();

-- The window of a period that an instant falls into, in the policy's time zone (so days have their real length).
CREATE FUNCTION moose.budget_window(p_period text, p_zone text, p_at timestamptz,
                                    OUT window_start timestamptz, OUT window_end timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p_period = 'total' THEN '-infinity'::timestamptz
                ELSE date_trunc(p_period, p_at AT TIME ZONE p_zone) AT TIME ZONE p_zone END,
           CASE WHEN p_period = 'total' THEN 'infinity'::timestamptz
                ELSE (date_trunc(p_period, p_at AT TIME ZONE p_zone) + ('1 ' || p_period)::interval)
                     AT TIME ZONE p_zone END
$$;

-- The bucket of every policy in force for the org and these projects, created where this is the window's first use.
CREATE FUNCTION moose.current_buckets(p_projects text[])
RETURNS TABLE (scope text, name text, bucket_id bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO moose.budget_buckets (policy_id, window_start, window_end)
        SELECT p.id, w.window_start, w.window_end
        FROM moose.budget_policies p
        CROSS JOIN LATERAL moose.budget_window(p.period, p.time_zone, now()) w
        WHERE (p.scope = 'org' OR p.name = ANY (p_projects))
          AND NOT EXISTS (SELECT 1 FROM moose.budget_buckets b
                          WHERE b.policy_id = p.id AND b.window_start = w.window_start)
        ORDER BY p.id
        ON CONFLICT DO NOTHING;
    RETURN QUERY
        SELECT p.scope, p.name, b.id
        FROM moose.budget_policies p
        CROSS JOIN LATERAL moose.budget_window(p.period, p.time_zone, now()) w
        JOIN moose.budget_buckets b ON b.policy_id = p.id AND b.window_start = w.window_start
        WHERE p.scope = 'org' OR p.name = ANY (p_projects);
END $$;
