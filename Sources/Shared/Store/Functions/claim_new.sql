-- The stages of a claim that have to do with new orders, in their order (see claim_batch).

-- The dependencies of a batch, less those that completed and were pruned: these are met, now and for all who look
-- later. One that ends before this commit is seen wakes nobody: whoever looks at the wait then finds it
-- (moose.look_at_waits).
CREATE OR REPLACE FUNCTION moose.claim_dependencies(p_ids uuid[], p_flow jsonb[]) RETURNS moose.claim_dependency[]
LANGUAGE plpgsql AS $$
DECLARE
    v_pruned uuid[];
    v_named moose.claim_dependency[] := ARRAY(
        SELECT ROW(p_ids[f.item], f.item, d.id, false)::moose.claim_dependency
        FROM unnest(p_flow) WITH ORDINALITY AS f (flow, item)
        CROSS JOIN LATERAL (SELECT e::uuid AS id FROM jsonb_array_elements_text(f.flow -> 'depends_on') AS e) d);
BEGIN
    IF cardinality(v_named) = 0 THEN RETURN '{}'; END IF;
    v_pruned := ARRAY(SELECT f.id FROM moose.find_pruned(ARRAY(SELECT d.depends_on FROM unnest(v_named) d)) f
                      WHERE f.state = 'completed');
    RETURN ARRAY(
        SELECT ROW(d.id, d.item, d.depends_on, w.state IS NOT DISTINCT FROM 'completed')::moose.claim_dependency
        FROM unnest(v_named) d LEFT JOIN moose.work_orders w ON w.id = ANY (ARRAY[d.depends_on])
        WHERE NOT d.depends_on = ANY (v_pruned));
END $$;

-- New orders that a paused or limited lane, a limited kind or a key may hold back. judges: somebody has to judge, these
-- or others that were there before.
CREATE OR REPLACE FUNCTION moose.claim_gated(
    p_terms jsonb, p_kinds text[], p_lanes text[], p_flow jsonb[], OUT gated integer[], OUT judges boolean
) LANGUAGE plpgsql AS $$
DECLARE
    v_lanes text[] := ARRAY(SELECT l.name FROM moose.lanes l
                            WHERE l.paused_at IS NOT NULL OR l.concurrency IS NOT NULL OR l.rate IS NOT NULL);
    v_limited text[] := '{}';
BEGIN
    IF p_terms @? '$.kinds.* ? (@.concurrency != null || @.rate != null)' THEN
        v_limited := ARRAY(SELECT k.kind FROM jsonb_each(p_terms -> 'kinds') AS k (kind, terms)
                           WHERE k.terms ->> 'concurrency' IS NOT NULL OR k.terms ->> 'rate' IS NOT NULL);
    END IF;
    gated := '{}';
    IF v_lanes <> '{}' OR v_limited <> '{}' OR cardinality(p_flow) > 0 THEN
        gated := ARRAY(
            SELECT i.item FROM unnest(p_kinds, p_lanes, p_flow) WITH ORDINALITY AS i (kind, lane, flow, item)
            WHERE i.kind IS NOT NULL
              AND (i.lane = ANY (v_lanes) OR i.kind = ANY (v_limited)
                   OR i.flow ->> 'concurrency_key' IS NOT NULL OR i.flow ->> 'unique_key' IS NOT NULL));
    END IF;
    judges := v_lanes <> '{}' OR v_limited <> '{}' OR gated <> '{}';
END $$;

-- Writes the orders that are new. runs: those that are in progress with it; waits: all others.
CREATE OR REPLACE FUNCTION moose.claim_write(
    p_terms jsonb, p_park boolean,
    p_ids uuid[], p_kinds text[], p_lanes text[], p_titles text[], p_projects text[], p_agents text[],
    p_estimates bigint[], p_max_attempts integer[], p_timeouts integer[], p_run_at timestamptz[], p_bodies bytea[],
    p_app_ids text[], p_reply_to text[], p_correlation_ids text[], p_traceparents text[], p_flow jsonb[],
    p_blocked integer[], p_gated integer[],
    OUT runs moose.claim_order[], OUT waits moose.claim_order[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_known jsonb := p_terms -> 'kinds';
    v_pruned uuid[];
BEGIN
    PERFORM set_config('moose.keeps_sets', 'on', true);
    WITH fresh AS (
        INSERT INTO moose.work_orders AS w (
            id, state, kind, lane, title, project, agent, estimate_u, max_attempts, timeout_seconds, run_at,
            body, digest, app_id, reply_to, correlation_id, traceparent, concurrency_key, unique_key,
            attempt, fencing_token, started_at, unknown_since, priority)
        SELECT i.id, s.state, i.kind, i.lane, i.title, i.project, i.agent, i.estimate, i.max_attempts, i.timeout,
               coalesce(i.run_at, now()), i.body, substr(sha256(i.body), 1, 16), i.app_id, i.reply_to,
               i.correlation_id, i.traceparent, i.flow ->> 'concurrency_key', i.flow ->> 'unique_key',
               s.runs::integer, s.runs::integer,
               CASE WHEN s.runs THEN now() END, CASE WHEN NOT s.known AND NOT p_park THEN now() END,
               coalesce((i.flow -> 'priority')::smallint, 0)
        FROM unnest(p_ids, p_kinds, p_lanes, p_titles, p_projects, p_agents, p_estimates, p_max_attempts, p_timeouts,
                    p_run_at, p_bodies, p_app_ids, p_reply_to, p_correlation_ids, p_traceparents, p_flow)
             WITH ORDINALITY AS i (id, kind, lane, title, project, agent, estimate, max_attempts, timeout, run_at,
                                   body, app_id, reply_to, correlation_id, traceparent, flow, item)
        CROSS JOIN LATERAL (
            SELECT t.state, t.known, t.state = 'in_progress' AS runs
            FROM (SELECT v_known ? i.kind AS known,
                         CASE WHEN i.item = ANY (p_blocked) THEN 'blocked'
                              WHEN i.run_at > now() THEN 'scheduled'
                              WHEN p_park OR NOT v_known ? i.kind OR i.item = ANY (p_gated) THEN 'pending'
                              ELSE 'in_progress' END AS state) t) s
        WHERE i.kind IS NOT NULL
        ORDER BY i.id
        ON CONFLICT (id) DO NOTHING
        RETURNING w.id, w.state, w.kind, w.lane, w.project, w.agent, w.estimate_u, octet_length(w.body) AS bytes,
                  w.run_at
    ), orders AS (
        SELECT f.state, ROW(i.item, f.id, f.state, 1, f.kind, f.lane, f.project, f.agent, f.estimate_u, f.bytes,
                            f.run_at)::moose.claim_order AS o
        FROM fresh f JOIN unnest(p_ids) WITH ORDINALITY AS i (id, item) ON i.id = f.id
        ORDER BY i.item
    )
    SELECT coalesce(array_agg(o.o) FILTER (WHERE o.state = 'in_progress'), '{}'),
           coalesce(array_agg(o.o) FILTER (WHERE o.state <> 'in_progress'), '{}')
    INTO runs, waits FROM orders o;
    PERFORM set_config('moose.keeps_sets', 'off', true);
    IF cardinality(waits) > 0 THEN
        INSERT INTO moose.waiting (id, state, lane, run_at, project, rank, due)
        SELECT o.id, o.finding, o.lane, o.run_at, coalesce(o.project, ''),
               9 - coalesce((p_flow[o.item] -> 'priority')::integer, 0), o.run_at
        FROM unnest(waits) o WHERE o.finding = 'pending';
    END IF;

    -- An id that was pruned is not new. Ids rise with time, so as a rule none of a batch needs to be looked up. This
    -- is a statement of its own: the insert may have waited for a prune, which it doesn't see.
    IF (SELECT p.id FROM moose.pruned_orders p ORDER BY p.id DESC LIMIT 1) >= ANY (p_ids)
        AND cardinality(runs || waits) > 0 THEN
        v_pruned := moose.take_back_pruned(ARRAY(SELECT o.id FROM unnest(runs || waits) o));
        runs := ARRAY(SELECT o FROM unnest(runs) o WHERE NOT o.id = ANY (v_pruned));
        waits := ARRAY(SELECT o FROM unnest(waits) o WHERE NOT o.id = ANY (v_pruned));
    END IF;
END $$;

-- Of new orders, those that don't run at once take their unique keys, or are cancelled where another holds them, and
-- wait: for dependencies, or in the line. Returns these; what has only to pass its gates is gated.
CREATE OR REPLACE FUNCTION moose.claim_set_aside(
    p_new moose.claim_order[], p_dependencies moose.claim_dependency[], p_gated integer[], p_terms jsonb,
    p_park boolean, p_flow jsonb[]
) RETURNS moose.claim_order[] LANGUAGE plpgsql AS $$
DECLARE
    v_waits moose.claim_order[];
    v_refused uuid[];
BEGIN
    IF cardinality(p_flow) > 0 THEN
        SELECT moose.hold_unique_keys(
                   array_agg(o.id ORDER BY o.item), array_agg(p_flow[o.item] ->> 'unique_key' ORDER BY o.item),
                   array_agg((p_flow[o.item] ->> 'unique_seconds')::integer ORDER BY o.item))
        INTO v_refused
        FROM unnest(p_new) o WHERE p_flow[o.item] ->> 'unique_key' IS NOT NULL HAVING count(*) > 0;
    END IF;
    IF cardinality(p_dependencies) > 0 THEN
        INSERT INTO moose.work_order_dependencies (work_order_id, depends_on)
        SELECT d.id, d.depends_on FROM unnest(p_dependencies) d WHERE d.id IN (SELECT o.id FROM unnest(p_new) o)
        ON CONFLICT DO NOTHING;
        -- The first by id that is not completed.
        PERFORM moose.wait_at(array_agg(f.id), array_agg(f.depends_on))
        FROM (SELECT DISTINCT ON (d.id) d.id, d.depends_on FROM unnest(p_dependencies) d
              WHERE NOT d.is_met AND d.id IN (SELECT o.id FROM unnest(p_new) o) ORDER BY d.id, d.depends_on) f
        HAVING count(*) > 0;
    END IF;
    v_waits := ARRAY(
        SELECT ROW(o.item, o.id,
                   CASE WHEN o.id = ANY (v_refused) THEN 'unique_key'
                        WHEN o.finding = 'pending' AND NOT p_park AND o.item = ANY (p_gated)
                            AND p_terms -> 'kinds' ? o.kind THEN 'gated'
                        ELSE o.finding END,
                   o.token, o.kind, o.lane, o.project, o.agent, o.estimate_u, o.bytes, o.run_at)::moose.claim_order
        FROM unnest(p_new) o WHERE o.finding <> 'in_progress');
    IF NOT p_park THEN
        -- Of a kind that this worker lacks.
        PERFORM moose.put_in_line(array_agg(o.id), array_agg(now() + moose.claim_pause(p_terms)))
        FROM unnest(v_waits) o WHERE o.finding = 'pending';
    END IF;
    RETURN v_waits;
END $$;
