-- The outcome for publishers that asked for one (reply_to), once the order has ended.
CREATE OR REPLACE FUNCTION moose.reply(p_ids uuid[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO moose.outbox (exchange, routing_key, type, correlation_id, body)
    SELECT '', w.reply_to, 'moose.outcome.v1', coalesce(w.correlation_id, w.id::text),
           convert_to(jsonb_strip_nulls(jsonb_build_object(
               'id', w.id, 'state', w.state, 'attempt', w.attempt, 'error', w.error,
               'failure_class', w.failure_class))::text, 'UTF8')
    FROM moose.work_orders w
    WHERE w.id = ANY (p_ids) AND w.reply_to IS NOT NULL AND w.state IN ('completed', 'failed', 'cancelled')
$$;
