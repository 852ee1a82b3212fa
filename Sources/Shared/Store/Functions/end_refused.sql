-- Ends an order whose claim or end the database refuses again and again: failed, with words from here, its cost
-- settled. p_token: of the attempt that runs; NULL: it waits. Returns whether it ended by this. Money that can't be
-- settled stays held, which stops no other order but its budget's, and is told. p_bare: only the state and the money;
-- for what ends the statement itself, which nothing here can catch.
CREATE OR REPLACE FUNCTION moose.end_refused(
    p_id uuid, p_token bigint, p_started boolean, p_actual bigint, p_sqlstate text, p_bare boolean
) RETURNS boolean LANGUAGE plpgsql SET enable_seqscan = off AS $$
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
