-- The stages of a claim that decide which orders run, in their order (see claim_batch).

-- All of them: gates, then money. judges: a gate may hold some of these back.
CREATE OR REPLACE FUNCTION moose.claim_grant(
    p_orders moose.claim_order[], p_judges boolean, p_claim uuid, p_terms jsonb, p_ids uuid[],
    OUT answers moose.claim_answer[], OUT switched boolean
) LANGUAGE plpgsql AS $$
DECLARE
    v_runs moose.claim_order[] := p_orders;
    v_step record;
BEGIN
    answers := '{}';
    switched := false;
    -- Pauses, limits and keys: what they hold back waits at its gate, and whoever frees it calls.
    IF p_judges THEN
        answers := moose.claim_pass_gates(v_runs, p_terms);
        v_runs := ARRAY(SELECT o FROM unnest(v_runs) o WHERE o.item NOT IN (SELECT h.item FROM unnest(answers) h));
    END IF;
    -- Money before work: one hold an item, or no work.
    IF cardinality(v_runs) > 0 THEN
        v_step := moose.claim_reserve(v_runs, p_claim, p_terms, p_ids);
        answers := answers || v_step.answers;
        switched := v_step.switched;
    END IF;
END $$;

-- Those that are not in progress yet pass their gates. Returns the answer to those which wait there.
CREATE OR REPLACE FUNCTION moose.claim_pass_gates(p_orders moose.claim_order[], p_terms jsonb)
RETURNS moose.claim_answer[] LANGUAGE plpgsql AS $$
DECLARE
    v_limits record;
BEGIN
    SELECT array_agg(k.kind) AS kinds, array_agg((k.terms ->> 'concurrency')::integer) AS concurrency,
           array_agg((k.terms ->> 'rate')::integer) AS rates,
           array_agg((k.terms ->> 'rate_seconds')::integer) AS rate_seconds,
           array_agg((k.terms ->> 'key_concurrency')::integer) AS key_concurrency
    INTO v_limits
    FROM jsonb_each(p_terms -> 'kinds') AS k (kind, terms);
    RETURN ARRAY(
        SELECT ROW(o.item, 'later', h.reason)::moose.claim_answer
        FROM moose.pass_gates(
                 ARRAY(SELECT o.id FROM unnest(p_orders) o WHERE o.finding <> 'in_progress' ORDER BY o.item),
                 v_limits.kinds, v_limits.concurrency, v_limits.rates, v_limits.rate_seconds,
                 v_limits.key_concurrency) h
        JOIN unnest(p_orders) o ON o.id = h.id);
END $$;

-- Takes a hold for each, in their order, and a lease for each that gets one; the rest waits for money. switched: some
-- run on the cheap handler of their kind.
CREATE OR REPLACE FUNCTION moose.claim_reserve(
    p_orders moose.claim_order[], p_claim uuid, p_terms jsonb, p_ids uuid[],
    OUT answers moose.claim_answer[], OUT switched boolean
) LANGUAGE plpgsql AS $$
DECLARE
    v_asked record; v_granted record;
    v_status text[]; v_reasons text[];
    v_cheap_kinds text[]; v_cheap_models text[]; v_cheap bigint[];
    v_kinds jsonb := p_terms -> 'kinds';
    v_has_cheap boolean := v_kinds @? '$.*.economy ? (@ != null)';
    v_worker uuid := p_terms ->> 'worker';
    v_expires_at timestamptz := now() + (p_terms ->> 'lease_ms')::bigint * interval '1 millisecond';
BEGIN
    IF v_has_cheap THEN
        SELECT array_agg(c.kind), array_agg(c.terms ->> 'model'),
               array_agg(moose.price((c.terms ->> 'estimate_u')::bigint, (c.terms ->> 'byte_nanos')::bigint, c.bytes))
        INTO v_cheap_kinds, v_cheap_models, v_cheap
        FROM (SELECT k.kind, v_kinds -> k.kind AS terms, k.bytes
              FROM (SELECT v_kinds -> o.kind ->> 'economy' AS kind, o.bytes FROM unnest(p_orders) o) k) c;
    END IF;
    SELECT array_agg(o.id) AS ids, array_agg(o.token) AS tokens, array_agg(o.estimate_u) AS estimates,
           array_agg(o.project) AS projects, array_agg(o.agent) AS agents, array_agg(o.kind) AS kinds,
           array_agg(v_kinds -> o.kind ->> 'model') AS models, bool_and(o.finding = 'in_progress') AS all_run
    INTO v_asked FROM unnest(p_orders) o;
    v_granted := moose.reserve_batch(
        v_asked.ids, v_asked.tokens, v_asked.estimates, v_asked.projects, v_asked.agents, v_asked.kinds,
        v_asked.models, v_cheap, v_cheap_kinds, v_cheap_models);
    v_status := v_granted.status;
    v_reasons := v_granted.reason;
    switched := true = ANY (v_granted.switched);

    INSERT INTO moose.leases (id, token, worker, claim, expires_at)
    SELECT o.id, o.token, v_worker, p_claim, v_expires_at
    FROM unnest(p_orders) WITH ORDINALITY o WHERE v_status[o.ordinality] <> 'refused'
    ORDER BY 1;
    IF NOT v_asked.all_run THEN
        PERFORM set_config('moose.keeps_sets', 'on', true);
        UPDATE moose.work_orders w
        SET state = 'in_progress', fencing_token = o.token, attempt = w.attempt + 1, started_at = now(),
            estimate_u = o.estimate_u
        FROM unnest(p_orders) WITH ORDINALITY o
        WHERE w.id = ANY (ARRAY[o.id]) AND o.finding <> 'in_progress' AND v_status[o.ordinality] <> 'refused';
        PERFORM set_config('moose.keeps_sets', 'off', true);
        DELETE FROM moose.waiting x WHERE x.id = ANY (ARRAY(
            SELECT o.id FROM unnest(p_orders) WITH ORDINALITY o
            WHERE o.finding <> 'in_progress' AND v_status[o.ordinality] <> 'refused'));
        -- One whose cancel was asked for under an earlier lease.
        UPDATE moose.leases l SET to_stop = true FROM moose.work_orders w
        WHERE w.id = ANY (p_ids) AND w.cancel_requested_at IS NOT NULL
          AND l.id = ANY (ARRAY[w.id]) AND l.claim = p_claim;
    END IF;
    IF 'refused' = ANY (v_status) THEN
        PERFORM moose.refuse_budget(
            array_agg(o.id), array_agg(o.token), array_agg(o.finding = 'in_progress'),
            array_agg(v_reasons[o.ordinality]), array_agg(o.estimate_u),
            array_agg(least(o.estimate_u, v_cheap[o.ordinality])), array_agg(o.project), array_agg(o.agent),
            array_agg(o.kind), array_agg(v_kinds -> o.kind ->> 'model'))
        FROM unnest(p_orders) WITH ORDINALITY o
        WHERE v_status[o.ordinality] = 'refused';
    END IF;
    answers := ARRAY(
        SELECT ROW(o.item, CASE v_status[o.ordinality] WHEN 'refused' THEN 'over_budget' ELSE 'run' END,
                   coalesce(v_reasons[o.ordinality], v_status[o.ordinality]))::moose.claim_answer
        FROM unnest(p_orders) WITH ORDINALITY o);
END $$;
