-- The last resort: what the database takes in no other way. Nothing here writes a text that came from outside, so that
-- no content can make it fail, and each consequence stands apart, so that one that fails leaves the others.

-- Keeps a dead letter by its bytes: the head of its body as it came, ids, and words from here. Returns its id; the same
-- bytes are kept once.
CREATE FUNCTION moose.keep_bytes(
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
            format('the database took it in no other form (%s): its properties are left out, and kept are %s of %s bytes',
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

-- Ends an order whose claim or end the database refuses again and again: failed, with words from here, its cost
-- settled. p_token: of the attempt that runs; NULL: it waits. Returns whether it ended by this. Money that can't be
-- settled stays held, which stops no other order but its budget's, and is told. p_bare: only the state and the money; for what
-- ends the statement itself, which nothing here can catch.
CREATE FUNCTION moose.end_refused(
    p_id uuid, p_token bigint, p_started boolean, p_actual bigint, p_sqlstate text, p_bare boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_state text := CASE WHEN p_sqlstate ~ '^[0-9A-Z]{5}$' THEN 'SQLSTATE ' || p_sqlstate ELSE 'no answer' END;
    v_error text := CASE WHEN p_token IS NULL THEN 'the database refuses its claim'
                         ELSE 'the database refuses the end of its attempt' END || ' (' || v_state || ')';
    v_order record;
    v_left text[] := '{}';
BEGIN
    UPDATE moose.work_orders w
    SET state = 'failed', error = v_error, failure_class = 'orchestration_error', finished_at = now()
    WHERE w.id = p_id
      AND CASE WHEN p_token IS NULL THEN w.state IN ('scheduled', 'pending', 'retrying', 'awaiting_budget')
               ELSE w.state = 'in_progress' AND w.fencing_token = p_token END
    RETURNING w.fencing_token, w.attempt, w.started_at INTO v_order;
    IF NOT FOUND THEN RETURN false; END IF;

    IF p_token IS NOT NULL AND NOT p_bare THEN
        BEGIN
            INSERT INTO moose.outcome_vectors (work_order_id, fencing_token, attempt, outcome, success, cost_u,
                                               failure_class, error, started_at)
            VALUES (p_id, p_token, v_order.attempt, 'failed', false, p_actual, 'orchestration_error', v_error,
                    v_order.started_at)
            ON CONFLICT DO NOTHING;
        EXCEPTION WHEN OTHERS THEN
            v_left := v_left || format('its attempt (SQLSTATE %s)', SQLSTATE);
        END;
    END IF;
    IF p_token IS NOT NULL THEN
        BEGIN
            PERFORM moose.close_holds(ARRAY[p_id], ARRAY[p_token], NULL, ARRAY[p_actual], ARRAY[p_started]);
        EXCEPTION WHEN OTHERS THEN
            v_left := v_left || format('its cost, which stays on hold (SQLSTATE %s)', SQLSTATE);
        END;
    END IF;
    IF p_bare THEN RETURN true; END IF;
    BEGIN
        PERFORM moose.reply(ARRAY[p_id]);
    EXCEPTION WHEN OTHERS THEN
        v_left := v_left || format('the answer to its publisher (SQLSTATE %s)', SQLSTATE);
    END;
    BEGIN
        PERFORM moose.report(
            gen_random_uuid(), 'worker', CASE WHEN p_token IS NULL THEN 'claim' ELSE 'finish' END, 'critical',
            v_error || CASE WHEN v_left = '{}' THEN '' ELSE '; left out: ' || array_to_string(v_left, ', ') END, p_id,
            'orchestration_error', jsonb_build_object('reason', 'refused'));
    EXCEPTION WHEN OTHERS THEN
        -- The order has failed, and its dead letter tells of it.
        RAISE WARNING 'the end of work order % is not told of (SQLSTATE %)', p_id, SQLSTATE;
    END;
    RETURN true;
END $$;

-- Messages that came back again and again, while somebody reads them: one that is begun and never answered has ended
-- its reader. The digest covers body and id.
CREATE TABLE moose.begun_messages (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    times  integer NOT NULL DEFAULT 1,
    at     timestamptz NOT NULL DEFAULT now()
);

-- Says that a message is about to be read. Returns how often that was said before and never answered.
CREATE FUNCTION moose.begin_message(p_body bytea, p_id bytea) RETURNS integer LANGUAGE sql AS $$
    INSERT INTO moose.begun_messages AS b (digest) VALUES (sha256(p_body || p_id))
    ON CONFLICT (digest) DO UPDATE SET times = b.times + 1, at = now()
    RETURNING times - 1
$$;

-- Its reader has lived through it. What nobody answered for a week is forgotten with it.
CREATE FUNCTION moose.answer_message(p_body bytea, p_id bytea) RETURNS void LANGUAGE sql AS $$
    DELETE FROM moose.begun_messages b WHERE b.digest = sha256(p_body || p_id) OR b.at < now() - interval '7 days'
$$;

-- A message of the outbox that can neither be sent nor buried: kept by its bytes, so that the relay never meets it again.
CREATE FUNCTION moose.set_aside_outbox(p_id uuid, p_lease uuid, p_sqlstate text) RETURNS void LANGUAGE sql AS $$
    WITH gone AS (
        DELETE FROM moose.outbox o WHERE o.id = p_id AND o.lease = p_lease AND o.doorbell_for IS NULL
        RETURNING o.id, o.body
    )
    SELECT moose.keep_bytes('unpublishable', g.id, NULL, g.body, octet_length(g.body), p_sqlstate) FROM gone g
$$;
