-- Tells of orders in progress for longer than these times, the longest first; returns how many were new. It changes
-- no order: whoever runs it may be right.
CREATE OR REPLACE FUNCTION moose.report_stuck(p_warned interval, p_escalated interval) RETURNS integer
LANGUAGE sql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    WITH stuck AS (
        SELECT w.id, w.fencing_token, w.kind, w.lane, w.title, l.worker, w.started_at,
               CASE WHEN w.started_at < now() - p_escalated THEN 'escalated' ELSE 'warned' END AS level
        FROM moose.leases l
        -- One look-up a lease, however many leases there may be in the planner's eyes.
        CROSS JOIN LATERAL (SELECT o.* FROM moose.work_orders o WHERE o.id = l.id OFFSET 0) w
        WHERE w.state = 'in_progress' AND w.started_at < now() - least(p_warned, p_escalated)
          -- Those that were told of hide no others.
          AND NOT EXISTS (
              SELECT 1 FROM moose.stuck_reports r
              WHERE r.work_order_id = w.id AND r.fencing_token = w.fencing_token
                AND r.level = CASE WHEN w.started_at < now() - p_escalated THEN 'escalated' ELSE 'warned' END)
        ORDER BY w.started_at LIMIT 1000
    ), told AS (
        INSERT INTO moose.stuck_reports (work_order_id, fencing_token, level)
        SELECT s.id, s.fencing_token, s.level FROM stuck s ORDER BY s.id
        ON CONFLICT DO NOTHING
        RETURNING work_order_id, fencing_token, level
    ), reported AS (
        SELECT moose.report(
            moose.event_id(s.id::text, s.fencing_token, 'stuck ' || s.level), 'client-manager', 'stuck',
            CASE s.level WHEN 'escalated' THEN 'critical' ELSE 'warning' END,
            format('in progress since %s', to_char(s.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"')),
            s.id, 'timeout',
            jsonb_build_object('reason', 'stuck', 'handler', s.kind, 'lane', s.lane, 'title', s.title,
                               'worker', s.worker))
        FROM stuck s JOIN told t ON t.work_order_id = s.id AND t.level = s.level
    )
    SELECT count(*)::integer FROM reported
$$;
