-- Results that are due and led to no verdict: looked at again after a second, then twice as long each time, up to five
-- minutes. Those whose orders have all ended rest; those whose pull request no order knows are told of after
-- p_unmatched, once a run. Both go on counting should an order still come.
CREATE OR REPLACE FUNCTION moose.defer_ci_results(p_unmatched interval) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_told integer;
BEGIN
    WITH due AS (
        SELECT r.repository, r.pull_request, r.run_id, r.run_attempt, k.orders, k.live
        FROM (SELECT d.* FROM moose.workflow_runs d WHERE d.state = 'waiting' AND d.due_at <= now()
              ORDER BY d.due_at LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED) d
        JOIN moose.workflow_runs r USING (repository, pull_request, run_id, run_attempt), LATERAL (
            SELECT count(*) AS orders,
                   count(*) FILTER (WHERE w.state NOT IN ('completed', 'failed', 'cancelled')) AS live
            FROM moose.work_orders w WHERE w.github_pr_number = r.pull_request AND moose.is_run_of(r, w)) k
    ), deferred AS (
        UPDATE moose.workflow_runs r
        SET tries = r.tries + 1,
            due_at = now() + least(interval '5 minutes', interval '1 second' * 2 ^ least(r.tries, 9)),
            state = CASE WHEN d.orders > 0 AND d.live = 0 THEN 'unmatched'
                         WHEN d.orders = 0 AND r.received_at < now() - p_unmatched THEN 'unmatched' ELSE r.state END
        FROM due d
        WHERE r.repository = d.repository AND r.pull_request = d.pull_request AND r.run_id = d.run_id
          AND r.run_attempt = d.run_attempt
        RETURNING r.*, d.orders
    ), told AS (
        SELECT moose.report(
            moose.event_id(t.repository || '#' || t.pull_request || '/' || t.run_id, t.run_attempt, 'ci unmatched'),
            'sentinel', 'match', 'warning',
            format('no work order knows pull request %s of %s, whose workflow %s ended: %s', t.pull_request,
                   t.repository,
                   t.workflow, t.conclusion),
            NULL, 'orchestration_error',
            jsonb_build_object('repository', t.repository, 'pull_request', t.pull_request, 'head_sha', t.head_sha,
                               'url', t.url))
        FROM deferred t WHERE t.state = 'unmatched' AND t.orders = 0
    )
    SELECT count(*) INTO v_told FROM told;
    RETURN v_told;
END $$;
