-- Ends attempts: state, settlement, outcome row, retry or error event, all in one commit.
-- Only the holder of the current fencing token may; a late or foreign finish is refused and counted, but what it
-- cost is still recorded, once.
--
-- outcome      the order becomes
-- completed    completed
-- review       needs_review: it made a pull request (p_reviews), and what CI says of it ends the order
-- failed       failed, with an error event
-- retry        retrying, due after p_delays_ms
-- snoozed      scheduled, due after p_delays_ms; burns no attempt
-- interrupted  pending, due at once or after p_delays_ms; burns no attempt
-- cancelled    cancelled: its handler was stopped because somebody asked for that
--
-- Any other word is no outcome: the state it would get is null, and the statement fails.
--
-- Once a cancel was asked for, every outcome but completed makes the order cancelled: a result wins, nothing is
-- retried.
CREATE OR REPLACE FUNCTION moose.finish_batch(
    p_worker uuid, p_ids uuid[], p_tokens bigint[], p_outcomes text[], p_started boolean[], p_actuals bigint[],
    p_delays_ms bigint[], p_failure_classes text[], p_errors text[], p_results bytea[], p_outputs text[],
    p_handlers text[], p_durations bigint[], p_tokens_in bigint[], p_tokens_out bigint[], p_reviews json DEFAULT NULL,
    -- By id: what is known of a failure beside words, such as its exit code; part of what tells its cause from others.
    p_facts json DEFAULT NULL
) RETURNS TABLE (item integer, accepted boolean) LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_accepted uuid[];
    v_ended uuid[];
    v_replies uuid[];
    v_lost integer[];
BEGIN
    WITH ended AS (
        UPDATE moose.work_orders w
        SET state = CASE WHEN i.outcome = 'completed' THEN 'completed'
                         WHEN w.cancel_requested_at IS NOT NULL THEN 'cancelled'
                         WHEN i.outcome = 'failed' THEN 'failed' WHEN i.outcome = 'retry' THEN 'retrying'
                         WHEN i.outcome = 'review' THEN 'needs_review'
                         WHEN i.outcome = 'snoozed' THEN 'scheduled'
                         -- Cancelled, and nobody asks for that any more: as if it had been interrupted.
                         WHEN i.outcome IN ('interrupted', 'cancelled') THEN 'pending' END,
            attempt = w.attempt - (i.outcome IN ('snoozed', 'interrupted'))::integer,
            run_at = CASE WHEN i.outcome IN ('completed', 'failed') THEN w.run_at
                          ELSE now() + coalesce(i.delay, 0) * interval '1 millisecond' END,
            result = CASE WHEN i.outcome IN ('completed', 'review') THEN i.result ELSE w.result END,
            error = CASE WHEN i.outcome = 'completed' THEN NULL
                         WHEN w.cancel_requested_at IS NOT NULL
                         THEN format('cancelled by %s: %s', w.cancel_who, w.cancel_reason)
                         ELSE i.error END,
            failure_class = CASE WHEN i.outcome <> 'completed' AND w.cancel_requested_at IS NULL
                                 THEN i.failure_class END,
            finished_at = CASE WHEN i.outcome IN ('completed', 'failed') OR w.cancel_requested_at IS NOT NULL
                               THEN now() END
        FROM unnest(p_ids, p_tokens, p_outcomes, p_delays_ms, p_failure_classes, p_errors, p_results)
             AS i (id, token, outcome, delay, failure_class, error, result)
        WHERE w.id = ANY (ARRAY[i.id]) AND w.fencing_token = i.token AND w.state = 'in_progress'
        RETURNING w.id, w.fencing_token, w.attempt, w.started_at, w.state, w.reply_to
    ), vectors AS (
        INSERT INTO moose.outcome_vectors (
            work_order_id, fencing_token, attempt, outcome, success, cost_u, handler, worker, duration_ms,
            failure_class, error, output, tokens_in, tokens_out, started_at)
        SELECT e.id, e.fencing_token, e.attempt + (i.outcome IN ('snoozed', 'interrupted'))::integer,
               CASE e.state WHEN 'cancelled' THEN 'cancelled' ELSE i.outcome END, i.outcome = 'completed', i.actual,
               i.handler, p_worker, i.duration, i.failure_class, i.error, i.output, i.tokens_in,
               i.tokens_out, e.started_at
        FROM ended e
        JOIN unnest(p_ids, p_outcomes, p_actuals, p_failure_classes, p_errors, p_outputs, p_handlers, p_durations,
                    p_tokens_in, p_tokens_out)
             AS i (id, outcome, actual, failure_class, error, output, handler, duration, tokens_in, tokens_out)
          ON i.id = e.id
    )
    SELECT coalesce(array_agg(e.id), '{}'), coalesce(array_agg(e.id) FILTER (WHERE e.state <> 'completed'), '{}'),
           array_agg(e.id) FILTER (WHERE e.reply_to IS NOT NULL)
    INTO v_accepted, v_ended, v_replies
    FROM ended e;

    DELETE FROM moose.leases l WHERE l.id = ANY (v_accepted);
    IF cardinality(v_accepted) < cardinality(p_ids) THEN
        SELECT array_agg(i.item) INTO v_lost
        FROM unnest(p_ids) WITH ORDINALITY AS i (id, item) WHERE NOT i.id = ANY (v_accepted);
    END IF;

    -- Everything that did not simply complete: error events, replies.
    IF cardinality(v_ended) > 0 THEN
        PERFORM moose.report(
            moose.event_id(w.id::text, w.fencing_token, 'failed'), 'worker', 'run', 'warning',
            coalesce(w.error, 'failed without a message'), w.id, coalesce(w.failure_class, 'unknown'),
            jsonb_build_object('handler', w.kind, 'attempt', w.attempt, 'lane', w.lane, 'title', w.title)
                || coalesce((p_facts -> w.id::text)::jsonb, '{}'))
        FROM moose.work_orders w WHERE w.id = ANY (v_ended) AND w.state = 'failed';
    END IF;
    IF p_reviews IS NOT NULL THEN PERFORM moose.await_ci(p_reviews, v_accepted); END IF;
    IF v_replies IS NOT NULL THEN PERFORM moose.reply(v_replies); END IF;
    PERFORM moose.release_dependents(v_accepted);

    -- The ledger last: its hot rows are locked no longer than this and the commit.
    PERFORM moose.close_holds(p_ids, p_tokens, NULL, p_actuals, p_started);

    RETURN QUERY
        SELECT i.item::integer, v_lost IS NULL OR NOT i.item = ANY (v_lost)
        FROM generate_series(1, cardinality(p_ids)) AS i (item);
END $$;
-- As it was called before.
DROP FUNCTION IF EXISTS moose.finish_batch(
    uuid, uuid[], bigint[], text[], boolean[], bigint[], bigint[], text[], text[], bytea[], text[], text[], bigint[],
    bigint[], bigint[], json);
