-- CI results come back. An attempt that made a pull request leaves its order in needs_review; what the workflows of that
-- pull request say completes or fails it, or a person decides.
--
-- A result may come before its order knows the pull request's number: it waits here, is looked at again with backoff,
-- and at once when the order arrives.

INSERT INTO moose.work_order_transitions (from_state, to_state) VALUES ('needs_review', 'completed');

CREATE INDEX work_orders_pull_request ON moose.work_orders (github_pr_number) WHERE github_pr_number IS NOT NULL;
CREATE INDEX work_orders_awaiting_ci ON moose.work_orders (ci_since) WHERE ci_since IS NOT NULL;

-- Each webhook's delivery is taken once.
CREATE TABLE moose.sentinel_deliveries (
    delivery_id text PRIMARY KEY CHECK (octet_length(delivery_id) <= 200),
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sentinel_deliveries_old ON moose.sentinel_deliveries (received_at);

-- One row for each attempt of a workflow's run, and each pull request it belongs to.
CREATE TABLE moose.workflow_runs (
    repository   text NOT NULL CHECK (octet_length(repository) <= 400),
    pull_request integer NOT NULL,
    run_id       bigint NOT NULL,
    run_attempt  integer NOT NULL,
    workflow     text NOT NULL,
    head_sha     text NOT NULL,
    conclusion   text NOT NULL,
    url          text,
    -- waiting: no verdict has counted it yet. unmatched: no order waits for it; counts again should one come.
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'judged', 'unmatched')),
    tries        integer NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL DEFAULT now(),
    received_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (repository, pull_request, run_id, run_attempt)
);
CREATE INDEX workflow_runs_due ON moose.workflow_runs (due_at) WHERE state = 'waiting';
CREATE INDEX workflow_runs_pull_request ON moose.workflow_runs (pull_request);
CREATE INDEX workflow_runs_old ON moose.workflow_runs (received_at);

-- Takes one delivery. False: it was taken before, and changes nothing.
CREATE FUNCTION moose.receive_workflow_run(
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

-- Whether this run can speak for this order.
CREATE FUNCTION moose.is_run_of(r moose.workflow_runs, w moose.work_orders) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN r.pull_request = w.github_pr_number AND (w.github_repository IS NULL OR w.github_repository = r.repository);

-- Orders whose accepted attempt ended with a pull request wait for its workflows; results that came first are due at
-- once, also those of the named commit that another order, or an earlier attempt, was judged by.
-- p_reviews: [{"id", "token", "repository", "number", "head_sha"}]; part of moose.finish_batch.
CREATE FUNCTION moose.await_ci(p_reviews json, p_accepted uuid[]) RETURNS void LANGUAGE plpgsql AS $$
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
    PERFORM 1 FROM moose.workflow_runs r JOIN moose.work_orders w ON w.github_pr_number = r.pull_request
    WHERE w.id = ANY (v_ids) AND moose.is_run_of(r, w)
    ORDER BY r.repository, r.pull_request, r.run_id, r.run_attempt FOR NO KEY UPDATE OF r;
    UPDATE moose.workflow_runs r SET state = 'waiting', due_at = now(), tries = 0
    FROM moose.work_orders w
    WHERE w.id = ANY (v_ids) AND w.github_pr_number = r.pull_request AND moose.is_run_of(r, w)
      AND (r.state <> 'judged' OR r.head_sha = w.github_head_sha);
END $$;

-- What can be judged now: for each order that waits for CI and has a result that is due, or waits past its deadline,
-- every run of the commit in question; an overdue order without any gets one row without a run. The commit is that of
-- the newest run nobody judged, once the commit the order names has been seen, and never one that is older than another
-- that was judged. token: the attempt that is judged.
CREATE FUNCTION moose.ci_results(p_deadline interval) RETURNS TABLE (
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

-- Carries out what was judged, in one commit. Orders that moved on meanwhile, or have more runs of that commit than were
-- judged, stay as they are and are judged again. Returns the orders that took their verdict. An event tells of each
-- verdict that isn't the one before: p_facts has "runs", how many results it stands on.
--
-- verdict   the order
-- passed    completed
-- failed    failed, with an error event
-- unclear   stays in needs_review, with an error event: a person decides
CREATE FUNCTION moose.apply_ci_verdicts(
    p_ids uuid[], p_tokens bigint[], p_verdicts text[], p_repositories text[], p_shas text[], p_runs_seen bigint[],
    p_failure_classes text[], p_messages text[], p_facts text[]
) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
    v_ids uuid[];
BEGIN
    v_ids := ARRAY(
        SELECT w.id FROM moose.work_orders w
        JOIN unnest(p_ids, p_tokens, p_repositories, p_shas, p_runs_seen) AS i (id, token, repository, sha, seen)
          ON i.id = w.id AND i.token = w.fencing_token
        WHERE w.state = 'needs_review' AND i.seen = (
            SELECT count(*) FROM moose.workflow_runs r
            WHERE r.pull_request = w.github_pr_number AND r.repository = i.repository AND r.head_sha = i.sha)
        ORDER BY w.id FOR NO KEY UPDATE OF w);

    UPDATE moose.work_orders w
    SET state = CASE i.verdict WHEN 'passed' THEN 'completed' WHEN 'failed' THEN 'failed' ELSE w.state END,
        error = CASE WHEN i.verdict <> 'passed' THEN i.message END,
        failure_class = CASE WHEN i.verdict <> 'passed' THEN i.class END,
        finished_at = CASE WHEN i.verdict <> 'unclear' THEN now() END,
        metadata = w.metadata || jsonb_build_object('ci', i.facts::jsonb), ci_since = NULL
    FROM unnest(p_ids, p_verdicts, p_failure_classes, p_messages, p_facts) AS i (id, verdict, class, message, facts)
    WHERE w.id = i.id AND w.id = ANY (v_ids);
    UPDATE moose.outcome_vectors v
    SET outcome = CASE i.verdict WHEN 'passed' THEN 'completed' ELSE 'failed' END, success = i.verdict = 'passed',
        failure_class = CASE i.verdict WHEN 'failed' THEN i.class END,
        error = CASE i.verdict WHEN 'failed' THEN i.message END
    FROM unnest(p_ids, p_verdicts, p_failure_classes, p_messages) AS i (id, verdict, class, message)
    JOIN moose.work_orders w ON w.id = i.id
    WHERE v.work_order_id = w.id AND v.fencing_token = w.fencing_token AND v.outcome = 'review'
      AND i.verdict <> 'unclear' AND w.id = ANY (v_ids);
    PERFORM 1 FROM moose.workflow_runs r JOIN moose.work_orders w ON w.github_pr_number = r.pull_request
    WHERE w.id = ANY (v_ids) AND moose.is_run_of(r, w)
    ORDER BY r.repository, r.pull_request, r.run_id, r.run_attempt FOR NO KEY UPDATE OF r;
    UPDATE moose.workflow_runs r SET state = 'judged'
    FROM unnest(p_ids, p_repositories, p_shas) AS i (id, repository, sha) JOIN moose.work_orders w ON w.id = i.id
    WHERE r.pull_request = w.github_pr_number AND r.repository = i.repository AND r.head_sha = i.sha
      AND w.id = ANY (v_ids);

    PERFORM moose.report(
        moose.event_id(w.id::text, w.fencing_token,
                       concat_ws(' ', 'ci', i.verdict, i.sha, i.facts::jsonb ->> 'runs')), 'sentinel', 'verdict',
        CASE i.verdict WHEN 'failed' THEN 'critical' ELSE 'warning' END, i.message, w.id, i.class,
        i.facts::jsonb - 'workflows' - 'runs' || jsonb_build_object('handler', w.kind, 'lane', w.lane, 'title', w.title))
    FROM unnest(p_ids, p_verdicts, p_shas, p_failure_classes, p_messages, p_facts)
         AS i (id, verdict, sha, class, message, facts)
    JOIN moose.work_orders w ON w.id = i.id
    WHERE w.id = ANY (v_ids) AND i.verdict <> 'passed';
    PERFORM moose.reply(v_ids);
    PERFORM moose.release_dependents(v_ids);
    RETURN QUERY SELECT unnest(v_ids);
END $$;

-- Results that are due and led to no verdict: looked at again after a second, then twice as long each time, up to five
-- minutes. Those whose orders have all ended rest; those whose pull request no order knows are told of after
-- p_unmatched, once a run. Both go on counting should an order still come.
CREATE FUNCTION moose.defer_ci_results(p_unmatched interval) RETURNS integer LANGUAGE plpgsql AS $$
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
        SET tries = r.tries + 1, due_at = now() + least(interval '5 minutes', interval '1 second' * 2 ^ least(r.tries, 9)),
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
            format('no work order knows pull request %s of %s, whose workflow %s ended: %s', t.pull_request, t.repository,
                   t.workflow, t.conclusion),
            NULL, 'orchestration_error',
            jsonb_build_object('repository', t.repository, 'pull_request', t.pull_request, 'head_sha', t.head_sha,
                               'url', t.url))
        FROM deferred t WHERE t.state = 'unmatched' AND t.orders = 0
    )
    SELECT count(*) INTO v_told FROM told;
    RETURN v_told;
END $$;
