-- Notes what these wait for, itself or through others, that ended badly. It looks at a hundred dependencies of each,
-- and at ten broken orders for each of those; a further look goes on after them.
CREATE OR REPLACE FUNCTION moose.search_for_broken(p_ids uuid[], p_searched uuid[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_broken uuid[]; v_waiting uuid[]; v_far boolean[];
BEGIN
    SELECT array_agg(n.broken), array_agg(n.waiting), array_agg(n.is_far) INTO v_broken, v_waiting, v_far
    FROM (
        SELECT DISTINCT ON (f.broken, i.id) f.broken, i.id AS waiting, f.is_far
        FROM unnest(p_ids, p_searched) AS i (id, searched)
        CROSS JOIN LATERAL (
            SELECT b.broken, b.is_far
            FROM (SELECT x.depends_on FROM moose.work_order_dependencies x
                  WHERE x.work_order_id = i.id AND x.depends_on > i.searched ORDER BY x.depends_on LIMIT 100) d
            JOIN moose.work_orders w ON w.id = ANY (ARRAY[d.depends_on])
            CROSS JOIN LATERAL (
                SELECT w.id AS broken, false AS is_far WHERE w.state IN ('failed', 'cancelled')
                UNION ALL
                (SELECT n.broken, true FROM moose.broken_dependencies n
                 WHERE n.waiting = ANY (ARRAY[w.id]) AND w.state = 'blocked' LIMIT 10)) b
            LIMIT 10) f
        ORDER BY f.broken, i.id, f.is_far) n;
    IF v_broken IS NOT NULL THEN
        INSERT INTO moose.broken_dependencies (broken, waiting, is_far)
        SELECT n.broken, n.waiting, n.is_far
        FROM (SELECT * FROM unnest(v_broken, v_waiting, v_far) UNION SELECT b, b, false FROM unnest(v_broken) AS b)
             AS n (broken, waiting, is_far)
        -- One that goes on again is broken no more.
        JOIN moose.work_orders w ON w.id = ANY (ARRAY[n.broken]) AND w.state IN ('failed', 'cancelled')
        ORDER BY 1, 2
        ON CONFLICT DO NOTHING;
    END IF;
    UPDATE moose.dependency_waits y
    SET searched = n.next, look_at = CASE WHEN n.next IS NULL THEN y.look_at ELSE now() END
    FROM unnest(p_ids, p_searched) AS i (id, searched)
    CROSS JOIN LATERAL (
        SELECT (SELECT x.depends_on FROM moose.work_order_dependencies x
                WHERE x.work_order_id = i.id AND x.depends_on > i.searched ORDER BY x.depends_on OFFSET 99 LIMIT 1)
            AS next) n
    WHERE y.work_order_id = ANY (ARRAY[i.id]);
END $$;

-- Orders that wait, through others, for themselves fail, and whoever waits for them is told. When all else its orders
-- wait for is done, each order of a cycle waits at the next. So only those ways are walked, and only from the wait of a
-- cycle that was looked at last: along waits with smaller numbers. p_ids: blocked orders that wait at a blocked one.
CREATE OR REPLACE FUNCTION moose.refuse_cycles(p_ids uuid[], p_old boolean[]) RETURNS integer LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_start record; v_next record;
    v_at uuid;
    v_steps integer; v_left integer := 5000;
    v_again interval;
    v_count integer := 0;
BEGIN
    FOR v_start IN
        SELECT y.work_order_id AS id, y.at, y.walked, y.number, i.old
        FROM unnest(p_ids, p_old) AS i (id, old) JOIN moose.dependency_waits y ON y.work_order_id = ANY (ARRAY[i.id])
        WHERE y.number > 0
          AND EXISTS (SELECT 1 FROM moose.dependency_waits e
                      WHERE e.at = ANY (ARRAY[y.work_order_id]) AND e.number < y.number)
    LOOP
        v_at := coalesce(v_start.walked, v_start.at);
        v_steps := 0;
        v_again := NULL;
        WHILE v_at <> v_start.id LOOP
            -- Its own number must be seen by others first.
            IF NOT v_start.old THEN v_again := '0'; EXIT; END IF;
            IF v_steps >= 1000 OR v_left <= 0 THEN v_again := interval '100 milliseconds'; EXIT; END IF;
            SELECT y.at, y.number INTO v_next FROM moose.dependency_waits y WHERE y.work_order_id = v_at;
            EXIT WHEN NOT FOUND OR v_next.number > v_start.number;
            -- That one gets its number soon.
            IF v_next.number = 0 THEN v_again := interval '100 milliseconds'; EXIT; END IF;
            v_at := v_next.at;
            v_steps := v_steps + 1;
            v_left := v_left - 1;
        END LOOP;
        IF v_at = v_start.id THEN
            PERFORM 1 FROM moose.work_orders w
            WHERE w.id = v_start.id AND w.state = 'blocked' FOR NO KEY UPDATE SKIP LOCKED;
            IF FOUND THEN
                UPDATE moose.work_orders w
                SET state = 'failed', finished_at = now(), failure_class = 'dependency_missing',
                    letter_reason = 'dependency_failed',
                    error = 'dependency cycle: it waits, through what it depends on, for itself'
                WHERE w.id = v_start.id;
                -- Each time it was tried again is news.
                PERFORM moose.report(
                    moose.event_id(w.id::text, (extract(epoch FROM now()) * 1000000)::bigint, 'dependency_cycle'),
                    'worker', 'dependency', 'warning', w.error, w.id, 'dependency_missing',
                    jsonb_build_object('reason', 'dependency_cycle', 'handler', w.kind, 'lane', w.lane))
                FROM moose.work_orders w WHERE w.id = v_start.id;
                PERFORM moose.reply(ARRAY[v_start.id]);
                v_count := v_count + 1;
                CONTINUE;
            END IF;
            v_again := interval '100 milliseconds';
        END IF;
        UPDATE moose.dependency_waits y
        SET walked = CASE WHEN v_again IS NOT NULL THEN v_at END,
            look_at = CASE WHEN v_again IS NULL THEN y.look_at ELSE clock_timestamp() + v_again END
        WHERE y.work_order_id = v_start.id AND (v_again IS NOT NULL OR y.walked IS NOT NULL);
    END LOOP;
    RETURN v_count;
END $$;
