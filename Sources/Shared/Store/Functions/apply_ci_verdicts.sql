-- Carries out what was judged, in one commit. Orders that moved on meanwhile, or have more runs of that commit than
-- were judged, stay as they are and are judged again. Returns the orders that took their verdict. An event tells of
-- each verdict that isn't the one before: p_facts has "runs", how many results it stands on.
--
-- verdict   the order
-- passed    completed
-- failed    failed, with an error event
-- unclear   stays in needs_review, with an error event: a person decides
--
-- Any other word is no verdict: the state it would get is null, and the statement fails.
CREATE OR REPLACE FUNCTION moose.apply_ci_verdicts(
    p_ids uuid[], p_tokens bigint[], p_verdicts text[], p_repositories text[], p_shas text[], p_runs_seen bigint[],
    p_failure_classes text[], p_messages text[], p_facts text[]
) RETURNS SETOF uuid LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    v_ids uuid[];
BEGIN
    v_ids := ARRAY(
        SELECT w.id FROM moose.work_orders w
        JOIN unnest(p_ids, p_tokens, p_repositories, p_shas, p_runs_seen) AS i (id, token, repository, sha, seen)
          ON w.id = ANY (ARRAY[i.id]) AND i.token = w.fencing_token
        WHERE w.state = 'needs_review' AND i.seen = (
            SELECT count(*) FROM moose.workflow_runs r
            WHERE r.pull_request = w.github_pr_number AND r.repository = i.repository AND r.head_sha = i.sha)
        ORDER BY i.id FOR NO KEY UPDATE OF w);

    UPDATE moose.work_orders w
    SET state = CASE i.verdict WHEN 'passed' THEN 'completed' WHEN 'failed' THEN 'failed'
                           WHEN 'unclear' THEN w.state END,
        error = CASE WHEN i.verdict <> 'passed' THEN i.message END,
        failure_class = CASE WHEN i.verdict <> 'passed' THEN i.class END,
        finished_at = CASE WHEN i.verdict <> 'unclear' THEN now() END,
        metadata = w.metadata || jsonb_build_object('ci', i.facts::jsonb), ci_since = NULL
    FROM unnest(p_ids, p_verdicts, p_failure_classes, p_messages, p_facts) AS i (id, verdict, class, message, facts)
    WHERE w.id = i.id AND w.id = ANY (v_ids);
    UPDATE moose.outcome_vectors v
    SET outcome = CASE i.verdict WHEN 'passed' THEN 'completed' WHEN 'failed' THEN 'failed' END,
        success = i.verdict = 'passed',
        failure_class = CASE i.verdict WHEN 'failed' THEN i.class END,
        error = CASE i.verdict WHEN 'failed' THEN i.message END
    FROM unnest(p_ids, p_verdicts, p_failure_classes, p_messages) AS i (id, verdict, class, message)
    JOIN moose.work_orders w ON w.id = i.id
    WHERE v.work_order_id = ANY (ARRAY[w.id]) AND v.fencing_token = w.fencing_token AND v.outcome = 'review'
      AND i.verdict <> 'unclear' AND w.id = ANY (v_ids);
    PERFORM 1 FROM moose.workflow_runs r JOIN moose.work_orders w
        ON r.pull_request = ANY (ARRAY[w.github_pr_number])
    WHERE w.id = ANY (v_ids) AND moose.is_run_of(r, w)
    ORDER BY r.repository, r.pull_request, r.run_id, r.run_attempt FOR NO KEY UPDATE OF r;
    UPDATE moose.workflow_runs r SET state = 'judged'
    FROM unnest(p_ids, p_repositories, p_shas) AS i (id, repository, sha) JOIN moose.work_orders w ON w.id = i.id
    WHERE r.pull_request = ANY (ARRAY[w.github_pr_number]) AND r.repository = i.repository AND r.head_sha = i.sha
      AND w.id = ANY (v_ids);

    PERFORM moose.report(
        moose.event_id(w.id::text, w.fencing_token,
                       concat_ws(' ', 'ci', i.verdict, i.sha, i.facts::jsonb ->> 'runs')), 'sentinel', 'verdict',
        'warning', i.message, w.id, i.class,
        i.facts::jsonb - 'workflows' - 'runs' ||
            jsonb_build_object('handler', w.kind, 'lane', w.lane, 'title', w.title))
    FROM unnest(p_ids, p_verdicts, p_shas, p_failure_classes, p_messages, p_facts)
         AS i (id, verdict, sha, class, message, facts)
    JOIN moose.work_orders w ON w.id = i.id
    WHERE w.id = ANY (v_ids) AND i.verdict <> 'passed';
    PERFORM moose.reply(v_ids);
    PERFORM moose.release_dependents(v_ids);
    RETURN QUERY SELECT unnest(v_ids);
END $$;
