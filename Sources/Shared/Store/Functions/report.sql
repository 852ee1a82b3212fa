-- Writes an error event into the outbox, in the transaction of whatever went wrong. Its details are texts by name.
CREATE OR REPLACE FUNCTION moose.report(
    p_event uuid, p_component text, p_operation text, p_severity text, p_message text, p_work_order uuid,
    p_failure_class text, p_details jsonb DEFAULT '{}'
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO moose.outbox (id, exchange, routing_key, type, body)
    VALUES (
        p_event, 'moose.events',
        'error.' || p_severity || '.' || regexp_replace(p_component, '[^A-Za-z0-9]', '_', 'g'),
        'moose.error-event.v1',
        convert_to(jsonb_strip_nulls(jsonb_build_object(
            'id', p_event, 'component', p_component, 'operation', p_operation, 'severity', p_severity,
            'message', p_message, 'work_order_id', p_work_order, 'failure_class', p_failure_class,
            'details', (SELECT coalesce(jsonb_object_agg(d.key, d.value) FILTER (WHERE d.value IS NOT NULL), '{}')
                        FROM jsonb_each_text(p_details) AS d),
            'occurred_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))::text, 'UTF8'))
    ON CONFLICT (id) DO NOTHING
$$;
