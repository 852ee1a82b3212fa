-- Orders whose accepted attempt ended with a pull request wait for its workflows; results that came first are due at
-- once, also those of the named commit that another order, or an earlier attempt, was judged by.
-- p_reviews: [{"id", "token", "repository", "number", "head_sha"}]; part of moose.finish_batch.
CREATE OR REPLACE FUNCTION moose.await_ci(p_reviews json, p_accepted uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_ids uuid[];
BEGIN
    WITH waiting AS (
        UPDATE moose.work_orders w
        SET github_pr_number = i.number, github_repository = i.repository, github_head_sha = i.head_sha,
            ci_since = now()
        FROM json_to_recordset(p_reviews) AS i (id uuid, token bigint, repository text, number integer, head_sha text)
        WHERE w.id = i.id AND w.id = ANY (p_accepted) AND w.fencing_token = i.token AND w.state = 'needs_review'
        RETURNING w.id
    )
    SELECT coalesce(array_agg(x.id), '{}') INTO v_ids FROM waiting x;
    -- In one order everywhere, so that two commits never wait for each other's rows.
    PERFORM 1 FROM moose.workflow_runs r JOIN moose.work_orders w
        ON r.pull_request = ANY (ARRAY[w.github_pr_number])
    WHERE w.id = ANY (v_ids) AND moose.is_run_of(r, w)
    ORDER BY r.repository, r.pull_request, r.run_id, r.run_attempt FOR NO KEY UPDATE OF r;
    UPDATE moose.workflow_runs r SET state = 'waiting', due_at = now(), tries = 0
    FROM moose.work_orders w
    WHERE w.id = ANY (v_ids) AND r.pull_request = ANY (ARRAY[w.github_pr_number]) AND moose.is_run_of(r, w)
      AND (r.state <> 'judged' OR r.head_sha = w.github_head_sha);
END $$;
