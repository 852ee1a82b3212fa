-- With each sweep: orders that ended while they waited, and keys nobody used for an hour.
CREATE OR REPLACE FUNCTION moose.tidy_flow() RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    v_place text;
    v_waits uuid[]; v_gates text[]; v_keys text[];
BEGIN
    -- A piece of each table; the next sweep goes on.
    v_place := moose.take_turn('tidy_gate_waits');
    IF v_place IS NOT NULL THEN
        v_waits := ARRAY(
            SELECT y.work_order_id FROM moose.gate_waits y
            WHERE y.work_order_id > coalesce(nullif(v_place, ''), '00000000-0000-0000-0000-000000000000')::uuid
            ORDER BY y.work_order_id LIMIT 5000);
        DELETE FROM moose.gate_waits y WHERE y.work_order_id = ANY (ARRAY(
            SELECT x.work_order_id FROM moose.gate_waits x
            LEFT JOIN moose.work_orders w ON w.id = ANY (ARRAY[x.work_order_id])
            WHERE x.work_order_id = ANY (v_waits)
              AND (w.id IS NULL OR w.state NOT IN ('scheduled', 'pending', 'retrying', 'awaiting_budget'))
            FOR UPDATE OF x SKIP LOCKED));
        UPDATE moose.turns t SET place = coalesce(v_waits[5000]::text, '') WHERE t.name = 'tidy_gate_waits';
    END IF;
    v_place := moose.take_turn('tidy_gates');
    IF v_place IS NOT NULL THEN
        v_gates := ARRAY(SELECT o.name FROM moose.gates o WHERE o.name > v_place ORDER BY o.name LIMIT 5000);
        DELETE FROM moose.gates o WHERE o.name = ANY (ARRAY(
            SELECT x.name FROM moose.gates x
            WHERE x.name = ANY (v_gates) AND x.name LIKE 'key %' AND x.running = 0
              AND x.used_at < now() - interval '1 hour'
              AND NOT EXISTS (SELECT 1 FROM moose.gate_waits y WHERE y.gate = ANY (ARRAY[x.name]))
            FOR UPDATE SKIP LOCKED));
        UPDATE moose.turns t SET place = coalesce(v_gates[5000], '') WHERE t.name = 'tidy_gates';
    END IF;
    v_keys := ARRAY(SELECT x.key FROM moose.unique_keys x WHERE x.looked_at < now() - interval '1 hour'
                    ORDER BY x.looked_at LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED);
    DELETE FROM moose.unique_keys u
    WHERE u.key = ANY (v_keys) AND NOT moose.holds_unique_key(u.work_order_id, u.held_until);
    UPDATE moose.unique_keys u SET looked_at = now() WHERE u.key = ANY (v_keys);
END $$;
