-- Goes on telling who waits for orders that ended badly: an event for each of the first hundred, those that wait
-- through others among them, and then one for all the rest. Returns with how many it had to do.
CREATE OR REPLACE FUNCTION moose.tell_of_broken(p_limit integer) RETURNS integer LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    c_most CONSTANT integer := 100;
    v_root record; v_row record;
    v_told integer; v_room integer;
    v_next uuid[]; v_new uuid[];
    v_left integer := p_limit;
    v_done integer := 0;
BEGIN
    FOR v_root IN
        -- ended: one that was retried and ended badly again, also without another claim, is news.
        SELECT b.broken, b.told, w.state, w.fencing_token, w.kind,
               coalesce(extract(epoch FROM w.finished_at), 0) AS ended
        FROM moose.broken_dependencies b
        JOIN moose.work_orders w ON w.id = ANY (ARRAY[b.broken])
        WHERE b.waiting = b.broken AND b.broken = ANY (ARRAY(
            SELECT o.broken FROM moose.broken_dependencies o WHERE o.searched IS NOT NULL LIMIT 1000))
        LIMIT 20 FOR UPDATE OF b SKIP LOCKED
    LOOP
        v_told := v_root.told;
        v_done := v_done + 1;
        IF v_root.state NOT IN ('failed', 'cancelled') THEN
            DELETE FROM moose.broken_dependencies b WHERE b.broken = v_root.broken;
            CONTINUE;
        END IF;
        FOR v_row IN
            SELECT b.waiting, b.is_far, b.searched, w.state, w.kind FROM moose.broken_dependencies b
            LEFT JOIN moose.work_orders w ON w.id = ANY (ARRAY[b.waiting])
            WHERE b.broken = v_root.broken AND b.searched IS NOT NULL
            ORDER BY b.waiting = b.broken DESC, b.is_far, b.waiting LIMIT 1000
        LOOP
            EXIT WHEN v_left <= 0 OR v_told > c_most;
            IF v_row.waiting <> v_root.broken AND v_row.searched = '00000000-0000-0000-0000-000000000000'
                AND v_row.state = 'blocked' THEN
                v_told := v_told + 1;
                EXIT WHEN v_told > c_most;
                PERFORM moose.report(
                    moose.event_id(v_row.waiting::text, v_root.fencing_token,
                                   'depends on ' || v_root.broken || ' ' || v_root.ended),
                    'worker', 'dependency', 'warning',
                    format('work order %s waits%s for %s, which ended %s', v_row.waiting,
                           CASE WHEN v_row.is_far THEN ', through others,' END, v_root.broken, v_root.state),
                    v_row.waiting, 'dependency_missing',
                    jsonb_build_object('depends_on', v_root.broken, 'handler', v_row.kind));
            END IF;
            v_next := ARRAY(
                SELECT d.work_order_id FROM moose.work_order_dependencies d
                WHERE d.depends_on = v_row.waiting AND d.work_order_id > v_row.searched
                  AND v_row.state IN ('failed', 'cancelled', 'blocked')
                ORDER BY d.work_order_id LIMIT v_left);
            INSERT INTO moose.broken_dependencies (broken, waiting, is_far)
            SELECT v_root.broken, b.id, v_row.waiting <> v_root.broken FROM moose.work_orders b
            WHERE b.id = ANY (v_next) AND b.state = 'blocked'
            ORDER BY b.id LIMIT c_most + 1
            ON CONFLICT DO NOTHING;
            UPDATE moose.broken_dependencies b
            SET searched = CASE WHEN cardinality(v_next) = v_left THEN v_next[v_left] END
            WHERE b.broken = v_root.broken AND b.waiting = v_row.waiting;
            v_left := v_left - 1 - cardinality(v_next);
            v_done := v_done + 1;
        END LOOP;
        IF v_told > c_most THEN
            IF v_root.told <= c_most THEN
                PERFORM moose.report(
                    moose.event_id(v_root.broken::text, v_root.fencing_token, 'many depend ' || v_root.ended), 'worker',
                    'dependency', 'critical',
                    format(
                        'more than %s work orders wait, themselves or through others, for %s, which ended %s (%s of '
                        'them depend on it themselves); only the first %s are told of one by one',
                        c_most, v_root.broken,
                        v_root.state, n.direct, c_most),
                    v_root.broken, 'dependency_missing',
                    jsonb_build_object('reason', 'many_dependants', 'depends_on', v_root.broken, 'handler', v_root.kind,
                                       'dependants', n.direct))
                FROM (SELECT CASE WHEN count(*) > 100000 THEN 'over 100000' ELSE count(*)::text END AS direct
                      FROM (SELECT 1 FROM moose.work_order_dependencies d WHERE d.depends_on = v_root.broken
                            LIMIT 100001)
                           x) n;
            END IF;
            -- Nobody else is told of, so nobody else is kept.
            DELETE FROM moose.broken_dependencies b
            WHERE b.broken = v_root.broken AND b.waiting <> b.broken
              AND b.searched = '00000000-0000-0000-0000-000000000000';
            UPDATE moose.broken_dependencies b SET searched = NULL
            WHERE b.broken = v_root.broken AND b.searched IS NOT NULL;
        END IF;
        UPDATE moose.broken_dependencies b SET told = v_told
        WHERE b.broken = v_root.broken AND b.waiting = b.broken AND b.told <> v_told;
        EXIT WHEN v_left <= 0;
    END LOOP;
    -- Found by a look in the moment in which the broken order was tried again.
    DELETE FROM moose.broken_dependencies b
    WHERE b.searched IS NOT NULL AND b.broken = ANY (ARRAY(
        SELECT o.broken FROM (SELECT x.broken FROM moose.broken_dependencies x
                              WHERE x.searched IS NOT NULL LIMIT 1000) o
        WHERE NOT EXISTS (SELECT 1 FROM moose.broken_dependencies r WHERE r.broken = ANY (ARRAY[o.broken])
                          AND r.waiting = ANY (ARRAY[o.broken]))));
    RETURN v_done;
END $$;

-- A net under the rest: looks at some of all waits each time it is called, and has those looked at again whose
-- dependency has completed. There are none, unless somebody completed an order by hand. Returns how many.
CREATE OR REPLACE FUNCTION moose.review_waits() RETURNS integer LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_place text := moose.take_turn('review_waits');
    v_waits uuid[];
    v_count integer;
BEGIN
    IF v_place IS NULL THEN RETURN 0; END IF;
    v_waits := ARRAY(
        SELECT y.work_order_id FROM moose.dependency_waits y
        WHERE y.work_order_id > coalesce(nullif(v_place, ''), '00000000-0000-0000-0000-000000000000')::uuid
        ORDER BY y.work_order_id LIMIT 5000);
    UPDATE moose.dependency_waits y SET look_at = now()
    WHERE y.work_order_id = ANY (ARRAY(
        SELECT x.work_order_id FROM moose.dependency_waits x JOIN moose.work_orders w ON w.id = ANY (ARRAY[x.at])
        WHERE x.work_order_id = ANY (v_waits) AND w.state = 'completed'
          AND (x.look_at IS NULL OR x.look_at > now() + interval '10 seconds')
        FOR UPDATE OF x SKIP LOCKED));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    UPDATE moose.turns t SET place = coalesce(v_waits[5000]::text, '') WHERE t.name = 'review_waits';
    RETURN v_count;
END $$;
