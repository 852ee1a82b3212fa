-- A lane gets another name in three steps; a person may stop between any two and begin again. First, what was set for
-- the old name holds for the new one too, before anything is moved: nothing starts there that a pause or a limit held
-- back here. MS008: the new name has other settings. Audited once, with how many wait in which state.
CREATE OR REPLACE FUNCTION moose.begin_lane_rename(p_from text, p_to text, p_who text, p_reason text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_from moose.lanes; v_to moose.lanes;
    v_old jsonb; v_new jsonb; v_waiting jsonb;
BEGIN
    INSERT INTO moose.lanes (name) SELECT p_to FROM moose.lanes l WHERE l.name = p_from ON CONFLICT DO NOTHING;
    PERFORM 1 FROM moose.lanes l WHERE l.name IN (p_from, p_to) ORDER BY l.name FOR NO KEY UPDATE;
    SELECT * INTO v_from FROM moose.lanes l WHERE l.name = p_from;
    SELECT * INTO v_to FROM moose.lanes l WHERE l.name = p_to;
    v_old := coalesce(jsonb_strip_nulls(to_jsonb(v_from) - 'name'), '{}');
    v_new := coalesce(jsonb_strip_nulls(to_jsonb(v_to) - 'name'), '{}');
    IF v_old <> '{}' AND v_new <> '{}' AND v_old <> v_new THEN
        RAISE EXCEPTION 'the lanes % and % have different settings, and only those of one can stay', p_from, p_to USING
            ERRCODE = 'MS008',
            HINT = format('Compare them with `moose lanes show`, then take away those of one: `moose lanes resume %s`, '
                          '`moose lanes set %1$s --weight none --concurrency none --rate none`.', p_to);
    END IF;
    SELECT coalesce(jsonb_object_agg(s.state, s.count), '{}') INTO v_waiting
    FROM (SELECT w.state, count(*) FROM moose.waiting w WHERE w.lane COLLATE "C" = p_from GROUP BY w.state) s;
    IF v_old <> '{}' THEN
        UPDATE moose.lanes l
        SET weight = v_from.weight, paused_at = v_from.paused_at, paused_by = v_from.paused_by,
            paused_why = v_from.paused_why, concurrency = v_from.concurrency, rate = v_from.rate,
            rate_seconds = v_from.rate_seconds
        WHERE l.name = p_to;
    END IF;
    IF v_old <> '{}' OR v_waiting <> '{}' THEN
        INSERT INTO moose.audit_log (who, action, subject, before, after, reason)
        VALUES (p_who, 'lane rename', 'lane ' || p_from, jsonb_build_object('name', p_from, 'settings', v_old),
                jsonb_build_object('name', p_to, 'settings', CASE v_old WHEN '{}' THEN v_new ELSE v_old END,
                                   'waiting', v_waiting), p_reason);
    END IF;
END $$;

-- Then, piece by piece, what waits: up to p_limit orders after p_after, in the order of their ids. What runs stays, and
-- so does one that somebody holds just now: seen less moved are for the next round. next_id: where this one goes on;
-- NULL: it is through.
CREATE OR REPLACE FUNCTION moose.move_waiting(
    p_from text, p_to text, p_after uuid, p_limit integer,
    OUT seen integer, OUT moved integer, OUT next_id uuid
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_seen uuid[] := ARRAY(SELECT w.id FROM moose.waiting w WHERE w.lane = p_from AND w.id > p_after
                           ORDER BY w.id LIMIT p_limit);
    v_mine uuid[];
BEGIN
    seen := cardinality(v_seen);
    next_id := v_seen[p_limit];
    v_mine := ARRAY(
        SELECT w.id FROM moose.work_orders w
        WHERE w.id = ANY (v_seen) AND w.lane = p_from
          AND w.state IN ('scheduled', 'pending', 'retrying', 'awaiting_budget', 'blocked')
        ORDER BY w.id FOR NO KEY UPDATE SKIP LOCKED);
    moved := cardinality(v_mine);
    UPDATE moose.work_orders w SET lane = p_to WHERE w.id = ANY (v_mine);
END $$;

-- Last, what is left under the old name: what waits, as it came since or somebody held it, and what runs. Where nothing
-- is, and nothing comes out of its queue any more, its settings go away; else they go on holding there too.
CREATE OR REPLACE FUNCTION moose.end_lane_rename(
    p_from text, p_to text, p_queue_is_empty boolean, OUT waiting bigint, OUT running bigint, OUT has_settings boolean
) LANGUAGE plpgsql AS $$
BEGIN
    waiting := (SELECT count(*) FROM moose.waiting w WHERE w.lane COLLATE "C" = p_from);
    running := (SELECT count(*) FROM moose.leases l JOIN moose.work_orders w ON w.id = ANY (ARRAY[l.id])
                WHERE w.lane = p_from);
    IF p_queue_is_empty AND waiting = 0 AND running = 0 THEN
        -- One that somebody has changed meanwhile stays.
        DELETE FROM moose.lanes l USING moose.lanes n
        WHERE l.name = p_from AND n.name = p_to
          AND (to_jsonb(l) - 'name' = to_jsonb(n) - 'name' OR jsonb_strip_nulls(to_jsonb(l) - 'name') = '{}');
    END IF;
    has_settings := EXISTS (SELECT 1 FROM moose.lanes l
                            WHERE l.name = p_from AND jsonb_strip_nulls(to_jsonb(l) - 'name') <> '{}');
END $$;
