-- The last resort: what the database takes in no other way. Nothing here writes a text that came from outside, so that
-- no content can make it fail, and each consequence stands apart, so that one that fails leaves the others.

-- Keeps a dead letter by its bytes: the head of its body as it came, ids, and words from here. Returns its id; the same
-- bytes are kept once.
CREATE OR REPLACE FUNCTION moose.keep_bytes(
    p_reason text, p_work_order uuid, p_lane bytea, p_body bytea, p_size bigint, p_sqlstate text
) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid := moose.time_ordered_id();
    v_head bytea := substr(p_body, 1, 65536);
    v_digest bytea := sha256(v_head || convert_to(coalesce(p_work_order::text, ''), 'UTF8'));
    v_state text := CASE WHEN p_sqlstate ~ '^[0-9A-Z]{5}$' THEN 'SQLSTATE ' || p_sqlstate ELSE 'no answer' END;
    v_reason text := CASE WHEN p_reason = ANY (moose.dead_letter_reasons()) THEN p_reason ELSE 'refused' END;
    v_lane text := CASE WHEN encode(substr(p_lane, 1, 64), 'escape') ~ '^[a-z0-9][a-z0-9_-]{0,62}$'
                        THEN encode(p_lane, 'escape') END;
    v_known uuid := (SELECT d.id FROM moose.dead_letters d
                     WHERE d.digest = v_digest AND d.state = 'dead' AND NOT d.is_order LIMIT 1);
BEGIN
    IF v_known IS NOT NULL THEN RETURN v_known; END IF;
    INSERT INTO moose.dead_letters (id, reason, explanation, work_order_id, lane, exchange, routing_key, body, digest,
                                    headers)
    VALUES (v_id, v_reason,
            format(
                'the database took it in no other form (%s): its properties are left out, and kept are %s of %s bytes',
                v_state, octet_length(v_head), p_size),
            p_work_order, v_lane, CASE WHEN v_lane IS NOT NULL THEN 'moose.work' END, v_lane, v_head, v_digest,
            json_strip_nulls(json_build_object('message_id', p_work_order)));
    BEGIN
        PERFORM moose.report(
            moose.event_id('dead letter ' || v_id, 0, 'kept bytes'), 'worker', 'intake', 'critical',
            format('dead letter (%s): the database took it in no other form (%s)', v_reason, v_state), p_work_order,
            'invalid_input', jsonb_build_object('reason', v_reason, 'dead_letter', v_id));
    EXCEPTION WHEN OTHERS THEN
        -- The letter stands, and its list tells of it.
        RAISE WARNING 'dead letter % is not told of (SQLSTATE %)', v_id, SQLSTATE;
    END;
    RETURN v_id;
END $$;
