-- Tells workers to stop taking work, end what runs, and exit. Returns those it told; one that stopped, or was told
-- before, isn't told again.
CREATE OR REPLACE FUNCTION moose.drain_workers(p_workers uuid[], p_who text, p_reason text) RETURNS uuid[]
LANGUAGE plpgsql AS $$
DECLARE
    v_told uuid[];
BEGIN
    WITH told AS (
        INSERT INTO moose.worker_commands (worker, command, who, reason)
        SELECT w.id, 'drain', p_who, p_reason FROM moose.workers w
        WHERE w.id = ANY (p_workers) AND w.stopped_at IS NULL
        ORDER BY w.id
        ON CONFLICT DO NOTHING
        RETURNING worker
    )
    SELECT coalesce(array_agg(t.worker ORDER BY t.worker), '{}') INTO v_told FROM told t;
    INSERT INTO moose.audit_log (who, action, subject, after, reason)
    SELECT p_who, 'worker drain', 'worker ' || t, jsonb_build_object('draining', true), p_reason
    FROM unnest(v_told) AS t;
    IF cardinality(v_told) > 0 THEN PERFORM moose.control_notify('workers'); END IF;
    RETURN v_told;
END $$;

-- Gives a lane of workers another number of slots, while they run. Returns those it told: those that work the lane.
CREATE OR REPLACE FUNCTION moose.resize_workers(
    p_workers uuid[], p_lane text, p_slots integer, p_who text, p_reason text
) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    v_told uuid[] := ARRAY(
        SELECT w.id FROM moose.workers w
        WHERE w.id = ANY (p_workers) AND w.stopped_at IS NULL AND p_lane = ANY (w.lanes) ORDER BY w.id);
BEGIN
    INSERT INTO moose.audit_log (who, action, subject, before, after, reason)
    SELECT p_who, 'worker resize', 'worker ' || t,
           CASE WHEN c.slots IS NOT NULL THEN jsonb_build_object('lane', p_lane, 'slots', c.slots) END,
           jsonb_build_object('lane', p_lane, 'slots', p_slots), p_reason
    FROM unnest(v_told) AS t
    LEFT JOIN moose.worker_commands c ON c.worker = t AND c.command = 'resize' AND c.lane = p_lane;
    INSERT INTO moose.worker_commands (worker, command, lane, slots, who, reason)
    SELECT t, 'resize', p_lane, p_slots, p_who, p_reason FROM unnest(v_told) AS t
    ON CONFLICT (worker, command, lane) DO UPDATE
    SET slots = excluded.slots, who = excluded.who, reason = excluded.reason, at = now();
    IF cardinality(v_told) > 0 THEN PERFORM moose.control_notify('workers'); END IF;
    RETURN v_told;
END $$;
