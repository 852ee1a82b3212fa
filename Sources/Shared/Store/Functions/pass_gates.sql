-- Judges orders whose rows the caller has locked: each passes all its gates, or waits at the first that holds it back.
-- Returns those that wait. The older order goes first, also before one that comes just now to a free place.
-- p_kinds and the arrays beside it: the limits of kinds, as the claiming worker knows them; a key without a limit of
-- its kind lets one through.
CREATE OR REPLACE FUNCTION moose.pass_gates(
    p_ids uuid[], p_kinds text[], p_concurrency integer[], p_rates integer[], p_rate_seconds integer[],
    p_key_concurrency integer[]
) RETURNS TABLE (id uuid, reason text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    n_id uuid[]; n_gate text[]; n_limit integer[]; n_rate integer[]; n_seconds integer[]; n_paused boolean[];
    n_old boolean[];
    v_gate text[]; v_used integer[]; v_tokens double precision[]; v_rung integer[]; v_oldest timestamptz[];
    v_spent integer[]; v_free double precision;
    v_order record;
    v_why text; v_at integer;
    v_passed uuid[] := '{}';
    c_id uuid[]; c_gate text[];
    h_id uuid[] := '{}'; h_gate text[] := '{}'; h_reason text[] := '{}'; h_since timestamptz[] := '{}';
    k integer; g integer;
BEGIN
    -- Which gates each has to pass. The one it waited at may be none any more: its limit then is lifted below.
    SELECT array_agg(n.id), array_agg(n.gate), array_agg(n.concurrency), array_agg(n.rate), array_agg(n.rate_seconds),
           array_agg(n.paused), array_agg(n.old)
    INTO n_id, n_gate, n_limit, n_rate, n_seconds, n_paused, n_old
    FROM (
        SELECT DISTINCT ON (w.id, x.gate) w.id, x.*
        FROM moose.work_orders w
        CROSS JOIN LATERAL (
            SELECT 'lane ' || l.name AS gate, l.concurrency, l.rate, l.rate_seconds,
                   l.paused_at IS NOT NULL AS paused, false AS old
            FROM moose.lanes l
            WHERE l.name = w.lane AND (l.paused_at IS NOT NULL OR l.concurrency IS NOT NULL OR l.rate IS NOT NULL)
            UNION ALL
            SELECT 'kind ' || i.kind, i.concurrency, i.rate, i.seconds, false, false
            FROM unnest(p_kinds, p_concurrency, p_rates, p_rate_seconds) AS i (kind, concurrency, rate, seconds)
            WHERE i.kind = w.kind AND (i.concurrency IS NOT NULL OR i.rate IS NOT NULL)
            UNION ALL
            SELECT 'key ' || w.concurrency_key,
                   coalesce(p_key_concurrency[array_position(p_kinds, w.kind)], 1), NULL, NULL, false, false
            WHERE w.concurrency_key IS NOT NULL
            UNION ALL
            SELECT y.gate, NULL, NULL, NULL, false, true FROM moose.gate_waits y
            WHERE y.work_order_id = ANY (ARRAY[w.id])) x
        WHERE w.id = ANY (p_ids)
        ORDER BY w.id, x.gate, x.old
    ) n;

    IF n_id IS NOT NULL THEN
        -- Made, locked and refilled in one statement, in the order of names; read in the next.
        INSERT INTO moose.gates AS o (name, concurrency, rate, rate_seconds, tokens, refilled_at)
        SELECT i.gate, max(i.concurrency), max(i.rate), max(i.seconds), max(i.rate), clock_timestamp()
        FROM unnest(n_gate, n_limit, n_rate, n_seconds) AS i (gate, concurrency, rate, seconds)
        GROUP BY i.gate ORDER BY i.gate
        ON CONFLICT (name) DO UPDATE
        SET concurrency = excluded.concurrency, rate = excluded.rate, rate_seconds = excluded.rate_seconds,
            tokens = CASE WHEN excluded.rate IS NULL THEN o.tokens
                          ELSE least(excluded.rate, coalesce(o.tokens, excluded.rate)
                               + coalesce(greatest(0, extract(epoch FROM clock_timestamp() - o.refilled_at)), 0)
                                 * excluded.rate / excluded.rate_seconds) END,
            refilled_at = CASE WHEN excluded.rate IS NULL THEN o.refilled_at ELSE clock_timestamp() END,
            used_at = now();
        WITH came AS (
            DELETE FROM moose.gate_waits y WHERE y.work_order_id = ANY (p_ids) RETURNING y.work_order_id, y.gate
        )
        SELECT array_agg(c.work_order_id), array_agg(c.gate) INTO c_id, c_gate FROM came c;

        SELECT array_agg(o.name), array_agg(o.running), array_agg(o.tokens), array_agg(r.count),
               array_agg((SELECT y.since FROM moose.ready_waits y WHERE y.gate = o.name AND y.rung_at IS NULL
                          ORDER BY y.since LIMIT 1)),
               array_agg(0)
        INTO v_gate, v_used, v_tokens, v_rung, v_oldest, v_spent
        FROM moose.gates o
        CROSS JOIN LATERAL (
            SELECT count(*)::integer AS count FROM moose.ready_waits y
            WHERE y.gate = o.name AND y.rung_at > now() - interval '60 seconds') r
        WHERE o.name = ANY (n_gate);

        FOR v_order IN
            SELECT i.id, w.created_at, array_agg(i.n ORDER BY i.gate) AS needs
            FROM unnest(n_id, n_gate) WITH ORDINALITY AS i (id, gate, n)
            JOIN moose.work_orders w ON w.id = ANY (ARRAY[i.id])
            GROUP BY i.id, w.created_at ORDER BY w.created_at, array_position(p_ids, i.id)
        LOOP
            v_why := NULL;
            FOREACH k IN ARRAY v_order.needs LOOP
                g := array_position(v_gate, n_gate[k]);
                v_free := least(n_limit[k] - v_used[g], CASE WHEN n_rate[k] IS NOT NULL THEN floor(v_tokens[g]) END);
                v_why := CASE
                    WHEN n_paused[k] THEN 'paused'
                    WHEN v_free IS NULL OR v_free >= 1 AND v_rung[g] = 0 AND v_oldest[g] IS NULL THEN NULL
                    -- Only older ones that were woken and are on their way keep their places: so the oldest of all
                    -- passes every gate that has one, and no two lines wait for each other.
                    WHEN v_free < 1 OR v_oldest[g] < v_order.created_at OR v_free <= v_rung[g] AND v_free <= (
                        SELECT count(*) FROM moose.ready_waits y
                        WHERE y.gate = n_gate[k] AND y.rung_at > now() - interval '60 seconds'
                          AND y.since < v_order.created_at)
                        THEN CASE WHEN n_limit[k] - v_used[g] = v_free THEN 'concurrency' ELSE 'rate' END END;
                v_at := k;
                EXIT WHEN v_why IS NOT NULL;
            END LOOP;
            IF v_why IS NULL THEN
                v_passed := v_passed || v_order.id;
                FOREACH k IN ARRAY v_order.needs LOOP
                    g := array_position(v_gate, n_gate[k]);
                    v_used[g] := v_used[g] + 1;
                    v_tokens[g] := v_tokens[g] - 1;
                    v_spent[g] := v_spent[g] + 1;
                END LOOP;
            ELSE
                h_id := h_id || v_order.id;
                h_gate := h_gate || n_gate[v_at];
                h_reason := h_reason || v_why;
                h_since := h_since || v_order.created_at;
            END IF;
        END LOOP;

        UPDATE moose.gates o SET tokens = o.tokens - i.spent
        FROM unnest(v_gate, v_spent) AS i (gate, spent)
        WHERE o.name = ANY (ARRAY[i.gate]) AND o.rate IS NOT NULL AND i.spent > 0;
        INSERT INTO moose.gate_waits (work_order_id, gate, reason, since)
        SELECT * FROM unnest(h_id, h_gate, h_reason, h_since);
        PERFORM moose.put_in_line(h_id, array_fill(NULL::timestamptz, ARRAY[cardinality(h_id)]));
        -- A place that was kept for an order which another gate holds back is the next one's.
        PERFORM moose.wake_gates(array_agg(c.gate))
        FROM unnest(c_id, c_gate) AS c (id, gate) JOIN unnest(h_id, h_gate) AS h (id, gate) ON h.id = c.id
        WHERE h.gate <> c.gate HAVING count(*) > 0;
    END IF;

    -- What it passed is what its end will free.
    UPDATE moose.work_orders w SET gates = i.gates
    FROM (SELECT p.id, array_agg(n.gate ORDER BY n.gate) FILTER (WHERE NOT n.old) AS gates
          FROM unnest(p_ids) AS p (id)
          LEFT JOIN unnest(n_id, n_gate, n_old) AS n (id, gate, old) ON n.id = p.id
          WHERE NOT p.id = ANY (h_id) GROUP BY p.id) i
    WHERE w.id = ANY (ARRAY[i.id]) AND w.gates IS DISTINCT FROM i.gates;
    RETURN QUERY SELECT * FROM unnest(h_id, h_reason);
END $$;
