-- Records a batch of error events: only new ids count; each fingerprint has one open escalation.
-- Returns how many were new. p_fingerprints: what equal failures have in common, of any length; stored is a digest.
CREATE OR REPLACE FUNCTION moose.record_error_events(
    p_events uuid[], p_fingerprints text[], p_triggers text[], p_classes text[], p_severities text[],
    p_components text[], p_operations text[], p_handlers text[], p_messages text[], p_work_orders uuid[],
    p_details text[], p_occurred timestamptz[], p_options text[]
) RETURNS integer LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    v_new integer[];
    v_prints text[] := ARRAY(SELECT 'v2:' || encode(sha256(convert_to(f.text, 'UTF8')), 'hex')
                             FROM unnest(p_fingerprints) WITH ORDINALITY AS f (text, n) ORDER BY f.n);
BEGIN
    -- One recorder at a time for equal fingerprints: the escalations are locked in their order by the upsert below.
    WITH item AS (
        SELECT DISTINCT ON (i.event) i.* FROM unnest(p_events) WITH ORDINALITY AS i (event, item)
        ORDER BY i.event, i.item
    ), fresh AS (
        INSERT INTO moose.escalation_events (event_id, escalation_id, work_order_id, message, details, occurred_at)
        SELECT i.event, '00000000-0000-0000-0000-000000000000', p_work_orders[i.item], p_messages[i.item],
               p_details[i.item]::json, p_occurred[i.item]
        FROM item i
        ON CONFLICT (event_id) DO NOTHING
        RETURNING event_id
    )
    SELECT coalesce(array_agg(i.item), '{}') INTO v_new FROM fresh f JOIN item i ON i.event = f.event_id;

    WITH grouped AS (
        -- What is critical is what there is to say.
        SELECT v_prints[n] AS fingerprint, count(*) AS events,
               coalesce(min(n) FILTER (WHERE p_severities[n] = 'critical'), min(n)) AS sample,
               bool_or(p_severities[n] = 'critical') AS critical
        FROM unnest(v_new) AS n GROUP BY 1
    ), open AS (
        INSERT INTO moose.escalations AS e (fingerprint, trigger_type, failure_class, severity, component, operation,
                                            handler, message, work_order_id, count, options)
        SELECT g.fingerprint, p_triggers[g.sample], p_classes[g.sample],
               CASE WHEN g.critical THEN 'critical' ELSE 'warning' END, left(p_components[g.sample], 200),
               left(p_operations[g.sample], 200), left(p_handlers[g.sample], 200), p_messages[g.sample],
               p_work_orders[g.sample], g.events,
               p_options[g.sample]::json
        FROM grouped g ORDER BY g.fingerprint
        ON CONFLICT (fingerprint) WHERE state <> 'resolved' DO UPDATE
        SET count = e.count + excluded.count, last_seen = now(),
            severity = CASE WHEN excluded.severity = 'critical' THEN 'critical' ELSE e.severity END,
            message = CASE WHEN excluded.severity = 'critical' THEN excluded.message ELSE e.message END
        RETURNING e.id, e.fingerprint
    )
    UPDATE moose.escalation_events v SET escalation_id = o.id
    FROM unnest(v_new) AS n JOIN open o ON o.fingerprint = v_prints[n]
    WHERE v.event_id = ANY (ARRAY[p_events[n]]);
    RETURN cardinality(v_new);
END $$;
