-- settle_ends, look_at_waits and tell_of_broken go in pieces: any number of processes may call each of them at once,
-- again and again while it returns more than 0, and at the latest each second. p_limit: about how many orders a piece
-- may touch.

CREATE OR REPLACE FUNCTION moose.dependencies_due(OUT ends boolean, OUT looks boolean, OUT broken boolean)
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM moose.dependency_ends e WHERE e.due_at <= now()),
           EXISTS (SELECT 1 FROM moose.dependency_waits y WHERE y.look_at <= now()),
           EXISTS (SELECT 1 FROM moose.broken_dependencies b WHERE b.searched IS NOT NULL)
$$;

-- Goes on with the ends that had too many dependants, in turn. Returns how many waits and ends it had to do with.
CREATE OR REPLACE FUNCTION moose.settle_ends(p_limit integer) RETURNS integer LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_end moose.dependency_ends;
    v_waits uuid[]; v_mine uuid[];
    v_left integer := p_limit;
    v_done integer := 0;
BEGIN
    FOR v_end IN
        SELECT * FROM moose.dependency_ends e WHERE e.due_at <= now() ORDER BY e.due_at LIMIT 50 FOR UPDATE SKIP LOCKED
    LOOP
        v_waits := ARRAY(
            SELECT y.work_order_id FROM moose.dependency_waits y
            WHERE y.at = v_end.work_order_id AND y.work_order_id > v_end.released
            ORDER BY y.work_order_id LIMIT v_left);
        v_mine := ARRAY(
            SELECT y.work_order_id FROM moose.dependency_waits y
            WHERE y.work_order_id = ANY (v_waits) AND y.at = v_end.work_order_id
            ORDER BY y.work_order_id FOR UPDATE SKIP LOCKED);
        v_end.passed_by := v_end.passed_by OR cardinality(v_mine) < cardinality(v_waits);
        IF v_mine <> '{}' THEN
            PERFORM moose.move_waits(v_mine, array_fill(v_end.work_order_id, ARRAY[cardinality(v_mine)]));
        END IF;
        v_done := v_done + 1 + cardinality(v_waits);
        v_left := v_left - cardinality(v_waits);
        IF v_left = 0 THEN
            UPDATE moose.dependency_ends e
            SET released = v_waits[cardinality(v_waits)], passed_by = v_end.passed_by, due_at = clock_timestamp()
            WHERE e.work_order_id = v_end.work_order_id;
            EXIT;
        ELSIF v_end.passed_by THEN
            -- Once more from the start: few are left.
            UPDATE moose.dependency_ends e
            SET released = '00000000-0000-0000-0000-000000000000', passed_by = false,
                due_at = clock_timestamp() + interval '100 milliseconds'
            WHERE e.work_order_id = v_end.work_order_id;
        ELSE
            DELETE FROM moose.dependency_ends e WHERE e.work_order_id = v_end.work_order_id;
        END IF;
    END LOOP;
    RETURN v_done;
END $$;
