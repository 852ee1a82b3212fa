-- One verdict for each delivery of a batch, in one commit: dedupe, state, budget hold and lease together. This is the
-- recipe; its stages stand in claim_new, claim_existing and claim_run.
-- Order of the steps: create missing rows, lock, then read (a neighbour's row is invisible to one single statement).
-- Lock order: work orders by id, then buckets by id. The ids of a batch must be distinct.
--
-- verdict        meaning                                            the caller then
-- run            leased to the worker under token                   acks and runs it
-- duplicate      leased by a live worker, or settled, or another    acks, drops
--                order holds its unique key
-- later          registered: not due, blocked by a dependency, held  acks; it is taken when it is time
--                back by a paused lane, a limit or a full key, or
--                the worker has no slot
-- unknown_kind   the worker lacks it; registered                     acks
-- over_budget    refused; state and reason say what follows         acks
-- invalid        dead-lettered here with its error event            acks
--
-- p_terms: who claims, and on which terms: {"worker": ID, "lease_ms", "grace_ms", "kinds": {KIND: {"estimate_u",
-- "byte_nanos", "model", "economy", "concurrency", "rate", "rate_seconds", "key_concurrency"}}}. Of a kind it can run:
-- the price (nano-USD for each byte of the body on top), the model, the kind that does the same work cheaply, and its
-- limits: so many at once, so many starts in so many seconds, so many of one key at once. Each but the kind may be
-- missing.
-- p_park: there is no slot for any of these: they are registered, and wait in the line for one (see take_batch).
-- p_flow: {"concurrency_key", "unique_key", "unique_seconds", "depends_on", "priority"} of orders that have any.
CREATE OR REPLACE FUNCTION moose.claim_batch(
    p_claim uuid, p_terms jsonb, p_park boolean,
    -- The orders, a place each in every array. Of one that is known to be registered there is the id alone.
    p_ids uuid[], p_kinds text[], p_lanes text[], p_titles text[], p_projects text[], p_agents text[],
    p_estimates bigint[], p_max_attempts integer[], p_timeouts integer[], p_run_at timestamptz[], p_bodies bytea[],
    p_app_ids text[], p_reply_to text[], p_correlation_ids text[], p_traceparents text[],
    -- Empty where no order of the batch has one.
    p_flow jsonb[]
) RETURNS TABLE (item integer, verdict text, reason text, token bigint, attempt integer, estimate_u bigint,
                 max_attempts integer, timeout_seconds integer, handler text, kind text,
                 lane text, title text, traceparent text,
                 body bytea)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_dependencies moose.claim_dependency[] := '{}';
    v_blocked integer[] := '{}'; v_gated integer[]; v_judges boolean;
    v_step record;
    -- What may run; what is new and does not run at once; what was there before.
    v_runs moose.claim_order[]; v_waits moose.claim_order[]; v_old moose.claim_order[];
    v_answers moose.claim_answer[] := '{}';
    v_all_new boolean;
    v_switched boolean := false;
BEGIN
    -- 1. What speaks against new orders running at once.
    IF cardinality(p_flow) > 0 THEN
        v_dependencies := moose.claim_dependencies(p_ids, p_flow);
        v_blocked := ARRAY(SELECT DISTINCT d.item FROM unnest(v_dependencies) d WHERE NOT d.is_met);
    END IF;
    v_step := moose.claim_gated(p_terms, p_kinds, p_lanes, p_flow);
    v_gated := v_step.gated;
    v_judges := v_step.judges;

    -- 2. New work orders are written in the state they take at once: in progress, unless something speaks against it.
    v_step := moose.claim_write(
        p_terms, p_park, p_ids, p_kinds, p_lanes, p_titles, p_projects, p_agents, p_estimates, p_max_attempts,
        p_timeouts, p_run_at, p_bodies, p_app_ids, p_reply_to, p_correlation_ids, p_traceparents, p_flow,
        v_blocked, v_gated);
    v_runs := v_step.runs;
    v_waits := v_step.waits;
    v_all_new := cardinality(v_runs) + cardinality(v_waits) = cardinality(p_ids);
    IF cardinality(v_waits) > 0 THEN
        v_waits := moose.claim_set_aside(v_runs || v_waits, v_dependencies, v_gated, p_terms, p_park, p_flow);
        v_answers := moose.claim_answers(v_waits, p_park);
    END IF;

    -- 3. What was there before is locked in id order and judged by its row; whatever its message says.
    IF NOT v_all_new THEN
        v_step := moose.claim_judge(v_runs || v_waits, p_claim, p_terms, p_park, p_ids, p_kinds, p_bodies);
        v_old := v_step.orders;
        v_judges := v_judges OR v_step.gated;
        PERFORM moose.claim_turn_away(v_old, p_terms, p_bodies);
        v_answers := v_answers || moose.claim_answers(v_old, p_park);
        v_runs := v_runs || ARRAY(SELECT o FROM unnest(v_old) o WHERE o.finding = 'run');
    END IF;

    -- 4. Gates and money.
    IF v_judges AND NOT p_park THEN
        v_runs := v_runs || ARRAY(SELECT o FROM unnest(v_waits) o WHERE o.finding = 'gated');
    END IF;
    IF cardinality(v_runs) > 0 THEN
        v_step := moose.claim_grant(v_runs, v_judges, p_claim, p_terms, p_ids);
        v_answers := v_answers || v_step.answers;
        v_switched := v_step.switched;
    END IF;

    IF v_all_new AND NOT v_switched THEN
        -- The caller has these orders itself.
        RETURN QUERY
            SELECT a.item, a.verdict, a.reason, 1::bigint, 1, p_estimates[a.item], NULL::integer, NULL::integer,
                   NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::bytea
            FROM unnest(v_answers) a;
    ELSE
        RETURN QUERY
            SELECT a.item, a.verdict, a.reason, w.fencing_token, w.attempt, coalesce(h.estimate_u, w.estimate_u),
                   w.max_attempts, w.timeout_seconds, coalesce(h.handler, w.kind), w.kind, w.lane, w.title,
                   w.traceparent, w.body
            FROM unnest(v_answers) a
            LEFT JOIN moose.work_orders w ON w.id = ANY (ARRAY[p_ids[a.item]]) AND a.verdict = 'run'
            LEFT JOIN LATERAL (
                SELECT x.* FROM moose.budget_holds x
                WHERE x.owner = w.id AND x.token = w.fencing_token AND x.number = 0 OFFSET 0) h ON true;
    END IF;
END $$;

-- What is answered to orders that don't run now, or did before, and what was found of them as the reason. Those that
-- have yet to pass their gates or to get money are answered after that.
CREATE OR REPLACE FUNCTION moose.claim_answers(p_orders moose.claim_order[], p_park boolean)
RETURNS moose.claim_answer[] LANGUAGE sql IMMUTABLE
RETURN ARRAY(
    SELECT ROW(o.item,
               CASE WHEN o.finding = 'replay' THEN 'run'
                    WHEN o.finding = 'unique_key' THEN 'duplicate'
                    WHEN o.finding = 'pending' AND NOT p_park THEN 'unknown_kind'
                    WHEN o.finding IN ('pending', 'scheduled', 'blocked') THEN 'later'
                    WHEN o.finding IN ('duplicate', 'later', 'unknown_kind') THEN o.finding
                    ELSE 'invalid' END,
               o.finding)::moose.claim_answer
    FROM unnest(p_orders) o WHERE o.finding NOT IN ('in_progress', 'gated', 'run'));

-- After how long an order of a kind that this worker lacks may be taken again by any.
CREATE OR REPLACE FUNCTION moose.claim_pause(p_terms jsonb) RETURNS interval LANGUAGE sql IMMUTABLE
RETURN greatest(interval '1 second',
                least(interval '30 seconds', (p_terms ->> 'grace_ms')::bigint * interval '1 millisecond'));
DROP FUNCTION IF EXISTS moose.claim_pause(jsonb, boolean);
