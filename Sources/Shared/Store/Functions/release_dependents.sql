-- The settings of these functions keep their look-ups at a probe an order, however the tables have grown since a plan
-- was made.

-- Part of every claim of orders that wait: where each does, of its dependencies.
CREATE OR REPLACE FUNCTION moose.wait_at(p_ids uuid[], p_at uuid[]) RETURNS void LANGUAGE sql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    UPDATE moose.dependency_waits y SET at = i.at
    FROM unnest(p_ids, p_at) AS i (id, at) WHERE y.work_order_id = ANY (ARRAY[i.id])
$$;

-- Part of every end: who waits at these, which have completed, goes on in the same commit; of more than 500 none does,
-- and moose.settle_ends is woken. Returns how many became pending.
CREATE OR REPLACE FUNCTION moose.release_dependents(p_ids uuid[]) RETURNS integer LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_ended uuid[]; v_waits uuid[]; v_mine uuid[]; v_at uuid[];
BEGIN
    -- Two steps, as a join of both tables may be planned from the wrong one while that is small.
    v_waits := ARRAY(SELECT y.work_order_id FROM moose.dependency_waits y WHERE y.at = ANY (p_ids) LIMIT 1);
    IF v_waits = '{}' THEN RETURN 0; END IF;
    v_ended := ARRAY(SELECT w.id FROM moose.work_orders w WHERE w.id = ANY (p_ids) AND w.state = 'completed');
    v_waits := ARRAY(SELECT y.work_order_id FROM moose.dependency_waits y WHERE y.at = ANY (v_ended) LIMIT 501);
    IF v_waits = '{}' THEN RETURN 0; END IF;
    IF cardinality(v_waits) <= 500 THEN
        SELECT array_agg(m.work_order_id), array_agg(m.at) INTO v_mine, v_at
        FROM (SELECT y.work_order_id, y.at FROM moose.dependency_waits y
              WHERE y.work_order_id = ANY (v_waits) AND y.at = ANY (v_ended)
              ORDER BY y.work_order_id FOR UPDATE SKIP LOCKED) m;
    END IF;
    IF cardinality(v_mine) IS DISTINCT FROM cardinality(v_waits) THEN
        INSERT INTO moose.dependency_ends (work_order_id)
        SELECT i FROM unnest(v_ended) AS i
        WHERE EXISTS (SELECT 1 FROM moose.dependency_waits y WHERE y.at = ANY (ARRAY[i]))
        ORDER BY i
        ON CONFLICT DO NOTHING;
        PERFORM pg_notify('moose_dependencies', '');
    END IF;
    RETURN moose.move_waits(v_mine, v_at);
END $$;

-- Has blocked orders wait at their next dependency that isn't completed, or go on, where there is none. Of each it
-- looks at a hundred dependencies; a look goes on after those. The caller has locked their waits. Returns how many
-- became pending. p_at: where they wait, which is completed.
CREATE OR REPLACE FUNCTION moose.move_waits(p_ids uuid[], p_at uuid[]) RETURNS integer LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_id uuid[]; v_next uuid[];
    v_ready integer;
BEGIN
    IF p_ids IS NULL THEN RETURN 0; END IF;
    SELECT array_agg(i.id), array_agg(n.next) INTO v_id, v_next
    FROM unnest(p_ids, p_at) AS i (id, at)
    CROSS JOIN LATERAL (
        SELECT coalesce(
            (SELECT d.depends_on
             FROM (SELECT x.depends_on FROM moose.work_order_dependencies x
                   WHERE x.work_order_id = i.id AND x.depends_on > i.at ORDER BY x.depends_on LIMIT 100) d
             LEFT JOIN moose.work_orders w ON w.id = ANY (ARRAY[d.depends_on])
             WHERE w.state IS DISTINCT FROM 'completed' ORDER BY d.depends_on LIMIT 1),
            (SELECT x.depends_on FROM moose.work_order_dependencies x
             WHERE x.work_order_id = i.id AND x.depends_on > i.at ORDER BY x.depends_on OFFSET 99 LIMIT 1)) AS next) n;

    WITH ready AS (
        SELECT b.id FROM moose.work_orders b
        WHERE b.state = 'blocked'
          AND b.id = ANY (ARRAY(SELECT i.id FROM unnest(v_id, v_next) AS i (id, next) WHERE i.next IS NULL))
        ORDER BY b.id FOR NO KEY UPDATE SKIP LOCKED
    ), released AS (
        UPDATE moose.work_orders b SET state = 'pending', run_at = greatest(b.run_at, now())
        FROM ready r WHERE b.id = ANY (ARRAY[r.id])
        RETURNING b.id
    )
    SELECT count(*) INTO v_ready FROM released;

    -- Where somebody holds the order itself just now, a look comes soon.
    UPDATE moose.dependency_waits y
    SET at = coalesce(i.next, y.at), since = now(), number = 0, walked = NULL,
        look_at = CASE WHEN i.next IS NULL THEN clock_timestamp() + interval '100 milliseconds' ELSE now() END
    FROM unnest(v_id, v_next) AS i (id, next) WHERE y.work_order_id = ANY (ARRAY[i.id]);
    RETURN v_ready;
END $$;
