-- Whether this run can speak for this order.
CREATE OR REPLACE FUNCTION moose.is_run_of(r moose.workflow_runs, w moose.work_orders) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN r.pull_request = w.github_pr_number AND (w.github_repository IS NULL OR w.github_repository = r.repository);

-- What can be judged now: for each order that waits for CI and has a result that is due, or waits past its deadline,
-- every run of the commit in question; an overdue order without any gets one row without a run. The commit is that of
-- the newest run nobody judged, once the commit the order names has been seen, and never one that is older than another
-- that was judged. token: the attempt that is judged.
CREATE OR REPLACE FUNCTION moose.ci_results(p_deadline interval) RETURNS TABLE (
    work_order_id uuid, overdue boolean, repository text, pull_request integer, head_sha text,
    workflow text, run_id bigint, run_attempt integer, conclusion text, token bigint
) LANGUAGE sql STABLE AS $$
    WITH candidate AS (
        SELECT w.id
        FROM (SELECT d.* FROM moose.workflow_runs d WHERE d.state = 'waiting' AND d.due_at <= now()
              ORDER BY d.due_at LIMIT 1000) d
        JOIN moose.workflow_runs r USING (repository, pull_request, run_id, run_attempt)
        JOIN moose.work_orders w ON w.github_pr_number = r.pull_request
        WHERE w.state = 'needs_review' AND moose.is_run_of(r, w)
        UNION
        (SELECT w.id FROM moose.work_orders w WHERE w.ci_since < now() - p_deadline AND w.state = 'needs_review'
         ORDER BY w.ci_since LIMIT 1000)
    ), commit AS (
        SELECT w AS wo, w.id, n.head_sha, n.repository
        FROM candidate c JOIN moose.work_orders w ON w.id = c.id
        LEFT JOIN LATERAL (
            SELECT r.head_sha, r.repository FROM moose.workflow_runs r
            WHERE r.pull_request = w.github_pr_number AND moose.is_run_of(r, w) AND r.state = 'waiting'
              AND (w.github_head_sha IS NULL OR EXISTS (
                   SELECT 1 FROM moose.workflow_runs s WHERE s.pull_request = r.pull_request
                   AND s.repository = r.repository AND s.head_sha = w.github_head_sha AND s.run_id <= r.run_id))
              AND NOT EXISTS (
                   SELECT 1 FROM moose.workflow_runs j WHERE j.pull_request = r.pull_request
                   AND j.repository = r.repository AND j.state = 'judged' AND j.head_sha <> r.head_sha
                   AND j.run_id > r.run_id)
            ORDER BY r.run_id DESC, r.run_attempt DESC LIMIT 1) n ON true
    )
    SELECT c.id, (coalesce((c.wo).ci_since < now() - p_deadline, true) AND coalesce((
                       SELECT min(f.received_at) < now() - p_deadline FROM moose.workflow_runs f
                       WHERE f.pull_request = (c.wo).github_pr_number AND f.repository = c.repository
                         AND f.head_sha = c.head_sha AND f.state = 'waiting'), (c.wo).ci_since IS NOT NULL)) IS TRUE,
           coalesce(c.repository, (c.wo).github_repository), (c.wo).github_pr_number, c.head_sha,
           r.workflow, r.run_id, r.run_attempt, r.conclusion, (c.wo).fencing_token
    FROM commit c
    LEFT JOIN moose.workflow_runs r ON r.pull_request = (c.wo).github_pr_number AND r.repository = c.repository
                                   AND r.head_sha = c.head_sha
    ORDER BY 1, r.run_id, r.run_attempt
$$;
