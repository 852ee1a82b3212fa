-- The ledger's one door for a whole batch: dispatch, settle, cancel, then reserve, in that order of effect, so that
-- money given back in a batch is there for its reservations. One row an item, moves first, in array order.
--
-- answer of a move:        done, replay (was so before), refused (dispatch of a closed hold), unknown (no such hold)
-- answer of a reservation: normal, soft, economy, refused. Where `replay` is true that name was granted before, the
-- answer
--                          is normal, and its hold stands as `state` says. Only grants replay: a refusal leaves no row.
CREATE OR REPLACE FUNCTION moose.ledger_batch(
    m_owners uuid[], m_tokens bigint[], m_numbers smallint[], m_moves text[], m_actuals bigint[],
    r_owners uuid[], r_tokens bigint[], r_numbers smallint[], r_estimates bigint[],
    r_projects text[], r_agents text[], r_handlers text[], r_models text[],
    r_dispatched boolean[], r_lives_ms bigint[], r_metadata jsonb[] DEFAULT NULL
) RETURNS TABLE (answer text, reason text, replay boolean, state text, estimate_u bigint, total_before bigint)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_moves integer := coalesce(cardinality(m_owners), 0);
    v_before text[] := '{}'; v_after text[];
    v_held_buckets bigint[]; v_path_buckets bigint[];
    v_known integer;
    v_closed record;
    v_new integer[];
    v_status text[]; v_reason text[]; v_total bigint;
BEGIN
    -- 1. Locks, in one order for everybody: the limits, holds by name, then every bucket that will be touched by id;
    -- each in a statement of its own, because one statement doesn't see what others committed while it waited. A hold
    -- that is not there by now is unknown to the whole batch, even if somebody commits it a moment later.
    LOCK TABLE moose.limits_lock IN ROW SHARE MODE;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- The caller's transaction sees the past: 40001 where the limits have changed since it began.
        PERFORM 1 FROM moose.budget_limits_version FOR SHARE;
    END IF;
    IF v_moves > 0 THEN
        WITH locked AS (
            SELECT i.n, h.ctid AS tuple, h.state, h.bucket_ids
            FROM unnest(m_owners, m_tokens, m_numbers) WITH ORDINALITY AS i (owner, token, number, n)
            JOIN moose.budget_holds h ON h.owner = ANY (ARRAY[i.owner]) AND h.token = i.token AND h.number = i.number
            ORDER BY i.owner, i.token, i.number FOR NO KEY UPDATE OF h
        )
        SELECT (SELECT array_agg(l.state ORDER BY n) FROM generate_series(1, v_moves) AS n
                LEFT JOIN locked l USING (n)),
               (SELECT array_agg(b.id) FROM (SELECT DISTINCT l.bucket_ids FROM locked l) d,
                                                unnest(d.bucket_ids) AS b (id)),
               (SELECT count(DISTINCT l.tuple) FROM locked l)
        INTO v_before, v_held_buckets, v_known;
    END IF;
    SELECT p.bucket_ids INTO v_path_buckets FROM (
        SELECT array_agg(q.project) AS projects, array_agg(q.agent) AS agents, array_agg(q.handler) AS handlers,
               array_agg(q.model) AS models
        FROM (SELECT DISTINCT * FROM unnest(r_projects, r_agents, r_handlers, r_models)
              AS i (project, agent, handler, model)) q) q,
        moose.buckets_of_paths(q.projects, q.agents, q.handlers, q.models) p;
    PERFORM 1 FROM moose.budget_buckets b
    WHERE b.id = ANY (v_held_buckets || v_path_buckets) ORDER BY b.id FOR NO KEY UPDATE;

    IF v_moves > 0 AND v_known = v_moves AND NOT 'dispatch' = ANY (m_moves) THEN
        -- The usual case: holds to close, each there and each named once.
        v_closed := moose.close_holds(m_owners, m_tokens, m_numbers, m_actuals,
                                      ARRAY(SELECT i.move = 'settle' FROM unnest(m_moves) WITH ORDINALITY AS i (move, n)
                                            ORDER BY i.n));
        SELECT array_agg(coalesce(c.state, i.before) ORDER BY i.n) INTO v_after
        FROM unnest(v_before) WITH ORDINALITY AS i (before, n)
        LEFT JOIN unnest(v_closed.items, v_closed.states) AS c (item, state) ON c.item = i.n;
    ELSIF v_moves > 0 THEN
        -- 2. Dispatch: from here on, a silence means that the money is spent.
        UPDATE moose.budget_holds h SET state = 'dispatched'
        FROM unnest(m_owners, m_tokens, m_numbers, m_moves, v_before) AS i (owner, token, number, move, before)
        WHERE i.move = 'dispatch' AND i.before = 'held'
          AND h.owner = ANY (ARRAY[i.owner]) AND h.token = i.token AND h.number = i.number;

        -- 3. Settle and cancel. Of several moves of one hold the first counts.
        PERFORM moose.close_holds(c.owners, c.tokens, c.numbers, c.actuals, c.started)
        FROM (SELECT array_agg(i.owner ORDER BY i.n) AS owners, array_agg(i.token ORDER BY i.n) AS tokens,
                     array_agg(i.number ORDER BY i.n) AS numbers, array_agg(i.actual ORDER BY i.n) AS actuals,
                     array_agg(i.move = 'settle' ORDER BY i.n) AS started
              FROM (SELECT DISTINCT ON (owner, token, number) *
                    FROM unnest(m_owners, m_tokens, m_numbers, m_moves, m_actuals, v_before) WITH ORDINALITY
                         AS i (owner, token, number, move, actual, before, n)
                    WHERE i.move <> 'dispatch' AND i.before IS NOT NULL
                    ORDER BY owner, token, number, move = 'cancel', n) i) c
        WHERE c.owners IS NOT NULL;

        SELECT array_agg(h.state ORDER BY i.n) INTO v_after
        FROM unnest(m_owners, m_tokens, m_numbers) WITH ORDINALITY AS i (owner, token, number, n)
        LEFT JOIN moose.budget_holds h ON h.owner = ANY (ARRAY[i.owner]) AND h.token = i.token AND h.number = i.number;
    END IF;

    RETURN QUERY
        SELECT CASE WHEN i.before IS NULL THEN 'unknown'
                    WHEN i.move = 'dispatch' THEN CASE i.before WHEN 'held' THEN 'done' WHEN 'dispatched' THEN 'replay'
                                                                ELSE 'refused' END
                    WHEN i.before = i.after THEN 'replay' ELSE 'done' END,
               NULL::text, i.before IS NOT DISTINCT FROM i.after, CASE WHEN i.before IS NOT NULL THEN i.after END,
               NULL::bigint, NULL::bigint
        FROM unnest(m_moves, v_before, v_after) WITH ORDINALITY AS i (move, before, after, n) ORDER BY i.n;

    -- 4. Reserve what was not granted under that name before. A name that stands twice in the batch counts once.
    IF coalesce(cardinality(r_owners), 0) = 0 THEN RETURN; END IF;
    SELECT array_agg(i.n ORDER BY i.n) FILTER (WHERE h.owner IS NULL AND i.nth = 1) INTO v_new
    FROM (SELECT *, row_number() OVER (PARTITION BY owner, token, number ORDER BY n) AS nth
          FROM unnest(r_owners, r_tokens, r_numbers) WITH ORDINALITY AS i (owner, token, number, n)) i
    LEFT JOIN moose.budget_holds h ON h.owner = ANY (ARRAY[i.owner]) AND h.token = i.token AND h.number = i.number;
    IF cardinality(v_new) = cardinality(r_owners) THEN
        -- The usual case: nothing to pick out and nothing to look up.
        SELECT g.status, g.reason, g.total_before INTO v_status, v_reason, v_total FROM moose.reserve_batch(
            r_owners, r_tokens, r_estimates, r_projects, r_agents, r_handlers, r_models, p_numbers => r_numbers,
            p_dispatched => r_dispatched, p_metadata => r_metadata,
            p_expires_at => ARRAY(SELECT now() + i.ms * interval '1 millisecond'
                                  FROM unnest(r_lives_ms) WITH ORDINALITY AS i (ms, n) ORDER BY i.n)) g;
        RETURN QUERY
            SELECT i.status, i.reason, false,
                   CASE WHEN i.status = 'refused' THEN NULL WHEN i.dispatched IS FALSE THEN 'held'
                        ELSE 'dispatched' END,
                   CASE WHEN i.status <> 'refused' THEN i.estimate END, v_total
            FROM unnest(v_status, v_reason, r_dispatched, r_estimates) WITH ORDINALITY
                 AS i (status, reason, dispatched, estimate, n) ORDER BY i.n;
        RETURN;
    ELSIF v_new IS NOT NULL THEN
        SELECT g.status, g.reason, g.total_before INTO v_status, v_reason, v_total FROM moose.reserve_batch(
            ARRAY(SELECT r_owners[n] FROM unnest(v_new) WITH ORDINALITY AS x (n, k) ORDER BY k),
            ARRAY(SELECT r_tokens[n] FROM unnest(v_new) WITH ORDINALITY AS x (n, k) ORDER BY k),
            ARRAY(SELECT r_estimates[n] FROM unnest(v_new) WITH ORDINALITY AS x (n, k) ORDER BY k),
            ARRAY(SELECT r_projects[n] FROM unnest(v_new) WITH ORDINALITY AS x (n, k) ORDER BY k),
            ARRAY(SELECT r_agents[n] FROM unnest(v_new) WITH ORDINALITY AS x (n, k) ORDER BY k),
            ARRAY(SELECT r_handlers[n] FROM unnest(v_new) WITH ORDINALITY AS x (n, k) ORDER BY k),
            ARRAY(SELECT r_models[n] FROM unnest(v_new) WITH ORDINALITY AS x (n, k) ORDER BY k),
            p_numbers => ARRAY(SELECT r_numbers[n] FROM unnest(v_new) WITH ORDINALITY AS x (n, k) ORDER BY k),
            p_dispatched => ARRAY(SELECT r_dispatched[n] FROM unnest(v_new) WITH ORDINALITY AS x (n, k) ORDER BY k),
            p_expires_at => ARRAY(SELECT now() + r_lives_ms[n] * interval '1 millisecond'
                                  FROM unnest(v_new) WITH ORDINALITY AS x (n, k) ORDER BY k),
            p_metadata => CASE WHEN r_metadata IS NOT NULL THEN
                ARRAY(SELECT r_metadata[n] FROM unnest(v_new) WITH ORDINALITY AS x (n, k) ORDER BY k) END) g;
    END IF;
    RETURN QUERY
        -- A name twice in one batch: the second gets the first one's refusal, or its grant as a replay.
        SELECT CASE WHEN g.n = i.n OR g.status = 'refused' THEN g.status ELSE 'normal' END,
               g.reason, g.n IS DISTINCT FROM i.n AND h.owner IS NOT NULL, h.state, h.estimate_u, v_total
        FROM (SELECT *, min(n) OVER (PARTITION BY owner, token, number) AS first
              FROM unnest(r_owners, r_tokens, r_numbers) WITH ORDINALITY AS i (owner, token, number, n)) i
        LEFT JOIN unnest(v_new, v_status, v_reason) AS g (n, status, reason) ON g.n = i.first
        LEFT JOIN moose.budget_holds h ON h.owner = ANY (ARRAY[i.owner]) AND h.token = i.token AND h.number = i.number
        ORDER BY i.n;
END $$;
