-- Takes one delivery. False: it was taken before, and changes nothing.
CREATE OR REPLACE FUNCTION moose.receive_workflow_run(
    p_delivery text, p_repository text, p_pull_requests integer[], p_run bigint, p_run_attempt integer, p_workflow text,
    p_head_sha text, p_conclusion text, p_url text
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO moose.sentinel_deliveries (delivery_id) VALUES (p_delivery) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO moose.workflow_runs (repository, pull_request, run_id, run_attempt, workflow, head_sha, conclusion, url)
    SELECT p_repository, n, p_run, p_run_attempt, p_workflow, p_head_sha, p_conclusion, p_url
    FROM (SELECT DISTINCT unnest(p_pull_requests) ORDER BY 1) AS i (n)
    ON CONFLICT DO NOTHING;
    RETURN true;
END $$;
