-- Letters of messages that were redriven or purged. Those of orders go with their orders.
CREATE OR REPLACE FUNCTION moose.prune_letters(
    p_before timestamptz, p_block bigint, p_blocks integer, p_limit integer, p_dry boolean,
    OUT deleted bigint, OUT next_block bigint
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_ids uuid[] := ARRAY(
        SELECT l.id FROM moose.dead_letters l
        WHERE l.ctid >= format('(%s,0)', p_block)::tid AND l.ctid < format('(%s,0)', p_block + p_blocks)::tid
          AND l.state IN ('redriven', 'purged') AND l.created_at < p_before
          AND NOT EXISTS (SELECT 1 FROM moose.dead_letter_history h
                          WHERE h.letter_id = ANY (ARRAY[l.id]) AND h.at >= p_before)
          AND NOT EXISTS (SELECT 1 FROM moose.work_orders w WHERE w.id = ANY (ARRAY[l.work_order_id]))
        LIMIT CASE WHEN NOT p_dry THEN p_limit END FOR UPDATE SKIP LOCKED);
BEGIN
    deleted := cardinality(v_ids);
    IF NOT p_dry THEN
        DELETE FROM moose.dead_letter_history h
                          WHERE h.letter_id = ANY (v_ids);
        DELETE FROM moose.dead_letters l WHERE l.id = ANY (v_ids);
    END IF;
    next_block := moose.next_block('moose.dead_letters',
                                   p_block + CASE WHEN deleted >= p_limit AND NOT p_dry THEN 0 ELSE p_blocks END);
END $$;

-- Escalations that are resolved, with their events: the events first, so that one with a million of them goes in steps
-- too.
CREATE OR REPLACE FUNCTION moose.prune_escalations(
    p_before timestamptz, p_block bigint, p_blocks integer, p_limit integer,
    p_dry boolean, OUT deleted bigint, OUT next_block bigint, OUT events bigint
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_ids uuid[] := ARRAY(
        SELECT e.id FROM moose.escalations e
        WHERE e.ctid >= format('(%s,0)', p_block)::tid AND e.ctid < format('(%s,0)', p_block + p_blocks)::tid
          AND e.state = 'resolved' AND e.last_seen < p_before
        LIMIT CASE WHEN NOT p_dry THEN p_limit END FOR UPDATE SKIP LOCKED);
    v_full boolean := false;
BEGIN
    IF p_dry THEN
        deleted := cardinality(v_ids);
        events := (SELECT count(*) FROM moose.escalation_events v WHERE v.escalation_id = ANY (v_ids));
    ELSE
        DELETE FROM moose.escalation_events v WHERE v.event_id = ANY (ARRAY(
            SELECT x.event_id FROM moose.escalation_events x WHERE x.escalation_id = ANY (v_ids) LIMIT p_limit));
        GET DIAGNOSTICS events = ROW_COUNT;
        DELETE FROM moose.escalations e
        WHERE e.id = ANY (v_ids) AND NOT EXISTS (SELECT 1 FROM moose.escalation_events v
                                               WHERE v.escalation_id = ANY (ARRAY[e.id]));
        GET DIAGNOSTICS deleted = ROW_COUNT;
        v_full := events >= p_limit OR cardinality(v_ids) >= p_limit;
    END IF;
    next_block := moose.next_block('moose.escalations', p_block + CASE WHEN v_full THEN 0 ELSE p_blocks END);
END $$;

-- What CI said and which of its webhooks came. Its oldest rows first, so that no range of blocks is needed.
CREATE OR REPLACE FUNCTION moose.prune_webhooks(
    p_before timestamptz, p_limit integer, p_dry boolean,
    OUT deleted bigint, OUT next_block bigint
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_runs bigint;
BEGIN
    IF p_dry THEN
        deleted := (SELECT count(*) FROM moose.sentinel_deliveries d WHERE d.received_at < p_before)
                   + (SELECT count(*) FROM moose.workflow_runs r
                      WHERE r.received_at < p_before AND r.state <> 'waiting');
        RETURN;
    END IF;
    DELETE FROM moose.sentinel_deliveries d WHERE d.delivery_id = ANY (ARRAY(
        SELECT x.delivery_id FROM moose.sentinel_deliveries x WHERE x.received_at < p_before
        ORDER BY x.received_at LIMIT p_limit FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    DELETE FROM moose.workflow_runs r WHERE r.ctid = ANY (ARRAY(
        SELECT x.ctid FROM moose.workflow_runs x WHERE x.received_at < p_before AND x.state <> 'waiting'
        ORDER BY x.received_at LIMIT p_limit FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS v_runs = ROW_COUNT;
    next_block := CASE WHEN greatest(deleted, v_runs) >= p_limit THEN 0 END;
    deleted := deleted + v_runs;
END $$;

-- What operators did. Its ids rise with time, so the oldest are the first.
CREATE OR REPLACE FUNCTION moose.prune_audit(
    p_before timestamptz, p_limit integer, p_dry boolean,
    OUT deleted bigint, OUT next_block bigint
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF p_dry THEN
        deleted := (SELECT count(*) FROM moose.audit_log a WHERE a.at < p_before);
        RETURN;
    END IF;
    DELETE FROM moose.audit_log a WHERE a.id = ANY (ARRAY(
        SELECT x.id FROM (SELECT o.id, o.at FROM moose.audit_log o ORDER BY o.id LIMIT p_limit FOR UPDATE SKIP LOCKED) x
        WHERE x.at < p_before));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    next_block := CASE WHEN deleted >= p_limit THEN 0 END;
END $$;
