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
    -- At most so many of a key at once, and only one of a key at all (see 0016_flow.sql). gates: those the running
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
    -- Somebody asked for the end of an attempt that runs (see 0017); kept when a result came first.
    cancel_requested_at timestamptz,
    cancel_who       text,
    cancel_reason    text,
    -- What is indexed has a bound, here as at every door: a row too large for its index stops whoever writes it.
    CHECK (octet_length(state) <= 40 AND octet_length(kind) <= 100 AND octet_length(lane) <= 63)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- No index here names, not even in its predicate, what changes when an attempt begins or ends as it should: so that end is
-- a HOT update, in the page the order stands in (which has room for it: fillfactor). What is asked for by its state is
-- found in the live sets below. A test holds this.
CREATE INDEX work_orders_for_money ON moose.work_orders (waits_on, created_at, id) WHERE waits_on IS NOT NULL;
CREATE INDEX work_orders_dear ON moose.work_orders (waits_on, estimate_u) WHERE waits_on IS NOT NULL;

-- The live sets: which orders wait, which run and which went wrong, a narrow row each. A row is written only under the lock
-- of its work order, except for the expiry of a lease. Orders that completed are in none: they cost nothing.

-- scheduled, pending, retrying, awaiting_budget or blocked.
CREATE TABLE moose.waiting (
    id     uuid PRIMARY KEY,
    state  text NOT NULL CHECK (octet_length(state) <= 40),
    lane   text NOT NULL CHECK (octet_length(lane) <= 63),
    run_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX waiting_line ON moose.waiting (state, lane, run_at, id);

-- in_progress: who works it, under which token and by which claim, until when. The expiry is in no index, so a heartbeat
-- is a HOT update.
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

-- Notes for the end of the statement that these gates were entered (+) or left (-), or that an order which waited there,
-- or had a place kept, went away (0): counted there in one go, in the order of their names, so that two statements never
-- wait for each other's rows.
CREATE FUNCTION moose.note_gates(p_gates text[], p_sign text) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('moose.gates_moved', coalesce(current_setting('moose.gates_moved', true), '')
                          || p_sign || array_to_string(p_gates, E'\n' || p_sign) || E'\n', true)
$$;

CREATE FUNCTION moose.check_transition() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_from text := CASE TG_OP WHEN 'INSERT' THEN 'new' ELSE OLD.state END;
BEGIN
    PERFORM 1 FROM moose.work_order_transitions t WHERE t.from_state = v_from AND t.to_state = NEW.state;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'invalid state transition' USING
            ERRCODE = 'MS001',
            DETAIL = format('work order %s: %s -> %s', NEW.id, v_from, NEW.state),
            HINT = 'Legal moves are listed in moose.work_order_transitions.';
    END IF;
    IF NEW.state NOT IN ('awaiting_budget', 'pending') THEN
        NEW.waits_on := NULL;
        NEW.waits_for_u := NULL;
    END IF;
    IF NEW.state NOT IN ('scheduled', 'pending', 'retrying') THEN NEW.unknown_since := NULL; END IF;
    IF v_from = 'needs_review' THEN NEW.ci_since := NULL; END IF;
    IF 'in_progress' IN (v_from, NEW.state) THEN
        IF NEW.gates IS NOT NULL THEN
            PERFORM moose.note_gates(NEW.gates, CASE NEW.state WHEN 'in_progress' THEN '+' ELSE '-' END);
        END IF;
    ELSIF v_from = 'failed' THEN
        NEW.letter_reason := NULL;
        -- Whatever brings it back: another may have its unique key by now.
        IF NEW.unique_key IS NOT NULL AND NEW.state <> 'cancelled' THEN
            PERFORM moose.take_unique_key_again(NEW.id, NEW.unique_key, NEW.unique_until);
        END IF;
    ELSIF v_from IN ('scheduled', 'pending', 'retrying', 'awaiting_budget')
        AND NEW.state NOT IN ('scheduled', 'pending', 'retrying') THEN
        PERFORM moose.leave_line(NEW.id, NEW.gates);
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER work_orders_insert BEFORE INSERT ON moose.work_orders
    FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM 'in_progress') EXECUTE FUNCTION moose.check_transition();
-- Nine of ten moves are a run that succeeds: legal, and without gates there is nothing to do for it.
CREATE TRIGGER work_orders_transition BEFORE UPDATE ON moose.work_orders
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state
                       AND NOT (OLD.state = 'in_progress' AND NEW.state = 'completed'
                                AND NEW.gates IS NULL AND NEW.waits_on IS NULL))
    EXECUTE FUNCTION moose.check_transition();

-- The live sets follow every move but two, which make one statement of thousands: a claim writes its leases itself, and
-- the end of an attempt that completed takes its lease away itself (see claim_batch and finish_batch).
CREATE FUNCTION moose.keep_live_sets() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    c_waiting CONSTANT text[] := '{scheduled,pending,retrying,awaiting_budget,blocked}';
    c_wrong CONSTANT text[] := '{failed,needs_review,cancelled}';
    v_from text := CASE WHEN TG_OP <> 'INSERT' THEN OLD.state END;
    v_to text := CASE WHEN TG_OP <> 'DELETE' THEN NEW.state END;
BEGIN
    IF v_from IS DISTINCT FROM v_to THEN
        IF v_from = 'in_progress' THEN
            DELETE FROM moose.leases l WHERE l.id = OLD.id;
        ELSIF v_from = ANY (c_waiting) AND v_to = ANY (c_waiting) IS NOT TRUE THEN
            DELETE FROM moose.waiting w WHERE w.id = OLD.id;
        ELSIF v_from = ANY (c_wrong) THEN
            DELETE FROM moose.wrong w WHERE w.id = OLD.id;
        END IF;
        IF v_to = 'in_progress' AND NOT EXISTS (SELECT 1 FROM moose.leases l WHERE l.id = NEW.id) THEN
            RAISE EXCEPTION 'work order % has no lease', NEW.id USING ERRCODE = 'MS001',
                HINT = 'Only a claim makes an order run: it writes the lease first.';
        END IF;
        IF v_to = ANY (c_wrong) THEN
            INSERT INTO moose.wrong (id, state) VALUES (NEW.id, v_to)
            ON CONFLICT (id) DO UPDATE SET state = excluded.state;
        END IF;
    END IF;
    IF v_to = ANY (c_waiting) THEN
        INSERT INTO moose.waiting (id, state, lane, run_at) VALUES (NEW.id, v_to, NEW.lane, NEW.run_at)
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, lane = excluded.lane, run_at = excluded.run_at;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER work_orders_born AFTER INSERT ON moose.work_orders
    FOR EACH ROW WHEN (NEW.state <> 'in_progress') EXECUTE FUNCTION moose.keep_live_sets();
CREATE TRIGGER work_orders_live AFTER UPDATE ON moose.work_orders
    FOR EACH ROW WHEN ((OLD.state, OLD.lane, OLD.run_at) IS DISTINCT FROM (NEW.state, NEW.lane, NEW.run_at)
                       AND NOT (OLD.state = 'in_progress' AND NEW.state = 'completed'))
    EXECUTE FUNCTION moose.keep_live_sets();
CREATE TRIGGER work_orders_gone AFTER DELETE ON moose.work_orders
    FOR EACH ROW WHEN (OLD.state <> 'completed') EXECUTE FUNCTION moose.keep_live_sets();

-- Orders whose state and whose live sets don't agree: none, ever. For tests and for `moose doctor`.
CREATE FUNCTION moose.live_set_differences() RETURNS TABLE (id uuid, state text, found text) LANGUAGE sql STABLE AS $$
    SELECT coalesce(w.id, s.id), w.state, s.found
    FROM (SELECT o.* FROM moose.work_orders o WHERE o.state <> 'completed') w
    FULL JOIN (
        SELECT x.id, x.state AS found, x.lane, x.run_at, NULL::bigint AS token FROM moose.waiting x
        UNION ALL SELECT l.id, 'in_progress', NULL, NULL, l.token FROM moose.leases l
        UNION ALL SELECT x.id, x.state, NULL, NULL, NULL FROM moose.wrong x) s ON s.id = w.id
    WHERE s.found IS DISTINCT FROM w.state
       OR (s.lane, s.run_at) <> (w.lane, w.run_at) OR s.token <> w.fencing_token
$$;

CREATE TABLE moose.work_order_dependencies (
    work_order_id uuid NOT NULL REFERENCES moose.work_orders (id) ON DELETE CASCADE,
    depends_on    uuid NOT NULL,
    PRIMARY KEY (work_order_id, depends_on)
);
CREATE INDEX work_order_dependents ON moose.work_order_dependencies (depends_on, work_order_id);

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

-- Whether a worker that is alive knows this kind, so that a rolling deploy dead-letters nothing. Nobody is seen while
-- the database is away, so this looks further back than an outage of a minute or two.
CREATE FUNCTION moose.kind_is_known(p_kind text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM moose.workers w
        WHERE p_kind = ANY (w.kinds) AND w.stopped_at IS NULL AND w.last_seen > now() - interval '5 minutes')
$$;

-- Merges fields into an order's metadata, one statement under the row's lock: whoever writes at the same time loses
-- nothing. A field given twice keeps the later value.
CREATE FUNCTION moose.merge_metadata(p_work_order uuid, p_fields jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF jsonb_typeof(p_fields) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'metadata is a JSON object' USING ERRCODE = '22023', HINT = 'Give fields by name.';
    END IF;
    UPDATE moose.work_orders w SET metadata = w.metadata || p_fields WHERE w.id = p_work_order;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no work order %', p_work_order USING ERRCODE = 'P0002';
    END IF;
END $$;
