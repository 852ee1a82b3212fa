-- Wakes orders that wait for money, oldest first, as many as there is money for now: a new window, a raise, a hold
-- given back or an unfreeze needs no other signal, and nothing stampedes. One process at a time; the others return 0.
-- An order that would fit but for running work keeps its place: no younger one of the same budget passes it.
-- What no longer fits at all, as after a cap was lowered, is refused as a claim would refuse it.
CREATE OR REPLACE FUNCTION moose.wake_for_money() RETURNS integer LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_policy bigint[]; v_free bigint[]; v_free_of_holds bigint[];
    v_order record;
    v_wake uuid[] := '{}';
    v_lacks integer[];
    v_dear uuid[]; v_tokens bigint[]; v_estimates bigint[]; v_kinds text[];
    k integer;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM moose.work_orders w WHERE w.waits_on IS NOT NULL)
        OR moose.take_turn('wake_for_money') IS NULL THEN
        RETURN 0;
    END IF;

    WITH RECURSIVE path AS (
        (SELECT w.waits_on FROM moose.work_orders w WHERE w.waits_on IS NOT NULL ORDER BY w.waits_on LIMIT 1)
        UNION ALL
        SELECT (SELECT w.waits_on FROM moose.work_orders w WHERE w.waits_on > p.waits_on ORDER BY w.waits_on LIMIT 1)
        FROM path p WHERE p.waits_on IS NOT NULL
    )
    SELECT array_agg(d.id), array_agg(d.fencing_token + 1), array_agg(d.estimate_u), array_agg(d.kind)
    INTO v_dear, v_tokens, v_estimates, v_kinds
    FROM (SELECT o.*
          FROM path p
          CROSS JOIN LATERAL (SELECT min(l.cap_u) AS cap FROM moose.budget_limits l WHERE l.id = ANY (p.waits_on)) c
          CROSS JOIN LATERAL (
              SELECT w.id, w.fencing_token, w.estimate_u, w.kind FROM moose.work_orders w
              WHERE w.waits_on = p.waits_on AND w.estimate_u > c.cap AND w.state = 'awaiting_budget'
              -- In the order of the index, which makes the look one probe.
              ORDER BY w.estimate_u DESC LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED) o
          WHERE p.waits_on IS NOT NULL LIMIT 500) d;
    IF v_dear IS NOT NULL THEN
        PERFORM moose.refuse_budget(
            v_dear, v_tokens, array_fill(false, ARRAY[cardinality(v_dear)]),
            array_fill('never_fits'::text, ARRAY[cardinality(v_dear)]), v_estimates, v_estimates,
            array_fill(NULL::text, ARRAY[cardinality(v_dear)]), array_fill(NULL::text, ARRAY[cardinality(v_dear)]),
            v_kinds, array_fill(NULL::text, ARRAY[cardinality(v_dear)]));
    END IF;

    -- What is free in each budget, less what orders woken a moment ago are about to take.
    SELECT array_agg(l.id), array_agg(CASE WHEN l.frozen THEN -1 WHEN l.cap_u IS NULL THEN 9e18::bigint
               ELSE l.cap_u - coalesce(b.held_u + b.posted_u, 0) - coalesce(k.amount, 0) END),
           array_agg(CASE WHEN l.frozen THEN -1 WHEN l.cap_u IS NULL THEN 9e18::bigint
                     ELSE l.cap_u - coalesce(b.posted_u, 0) END)
    INTO v_policy, v_free, v_free_of_holds
    FROM moose.budget_limits l
    CROSS JOIN LATERAL moose.budget_window(l.period, l.time_zone, now()) u
    LEFT JOIN moose.budget_buckets b
        ON b.policy_id = ANY (ARRAY[l.id]) AND b.window_start = u.window_start AND NOT b.exempt
    LEFT JOIN (SELECT p.id, sum(w.waits_for_u)::bigint AS amount
               FROM moose.lanes_of_orders() AS o (lane)
               JOIN moose.waiting x ON x.lane COLLATE "C" = o.lane AND x.state = 'pending'
                    AND x.due > now() - interval '30 seconds' AND x.due < now() + interval '1 second'
               JOIN moose.work_orders w ON w.id = ANY (ARRAY[x.id]) AND w.waits_on IS NOT NULL
               CROSS JOIN LATERAL unnest(w.waits_on) AS p (id)
               GROUP BY 1) k ON k.id = l.id;

    -- The oldest of every path whose budgets all have something left, found by skipping from one path to the next.
    FOR v_order IN
        WITH RECURSIVE path AS (
            (SELECT w.waits_on FROM moose.work_orders w WHERE w.waits_on IS NOT NULL ORDER BY w.waits_on LIMIT 1)
            UNION ALL
            SELECT (SELECT w.waits_on FROM moose.work_orders w
                    WHERE w.waits_on > p.waits_on ORDER BY w.waits_on LIMIT 1)
            FROM path p WHERE p.waits_on IS NOT NULL
        )
        SELECT w.id, w.need, b.budgets
        FROM path p
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(f.n), '{}') AS budgets, min(f.free) AS least, min(f.free_of_holds) AS reach
            FROM unnest(v_policy, v_free, v_free_of_holds) WITH ORDINALITY AS f (policy, free, free_of_holds, n)
            WHERE f.policy = ANY (p.waits_on)) b
        CROSS JOIN LATERAL (
            SELECT o.id, o.waits_for_u AS need, o.created_at FROM moose.work_orders o
            WHERE o.waits_on = p.waits_on AND o.state = 'awaiting_budget'
              -- What is too dear for this window, however many, hides nothing that fits.
              AND o.waits_for_u <= coalesce(b.reach, o.waits_for_u)
            ORDER BY o.created_at, o.id LIMIT 100) w
        WHERE coalesce(b.least, 1) > 0
        ORDER BY w.created_at, w.id
    LOOP
        v_lacks := '{}';
        FOREACH k IN ARRAY v_order.budgets LOOP
            IF v_order.need > v_free[k] THEN v_lacks := v_lacks || k; END IF;
        END LOOP;
        IF v_lacks = '{}' THEN
            v_wake := v_wake || v_order.id;
            FOREACH k IN ARRAY v_order.budgets LOOP v_free[k] := v_free[k] - v_order.need; END LOOP;
            EXIT WHEN cardinality(v_wake) >= 1000;
        ELSE
            FOREACH k IN ARRAY v_lacks LOOP
                -- Running work may give it back: nobody younger takes from this budget meanwhile.
                IF v_order.need <= v_free_of_holds[k] THEN v_free[k] := 0; END IF;
            END LOOP;
        END IF;
    END LOOP;

    v_wake := ARRAY(
        SELECT w.id FROM (SELECT o.id, o.created_at FROM moose.work_orders o
                          WHERE o.id = ANY (v_wake) AND o.state = 'awaiting_budget'
                          ORDER BY o.id FOR NO KEY UPDATE SKIP LOCKED) w
        ORDER BY w.created_at, w.id);
    -- In the order of their age: what is due first is taken first.
    UPDATE moose.work_orders w SET state = 'pending', run_at = now() + i.nth * interval '1 microsecond'
    FROM unnest(v_wake) WITH ORDINALITY AS i (id, nth) WHERE w.id = ANY (ARRAY[i.id]);
    PERFORM moose.report_spent();
    RETURN cardinality(v_wake);
END $$;
