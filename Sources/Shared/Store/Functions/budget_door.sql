-- The ledger for services that have only SQL. The functions run with their owner's rights, so that a role needs no
-- more than EXECUTE on them (deploy/postgres/budget-client.sql makes one).

-- The first step of each door. The caller's session is not ours: what it confirms must be on disk all the same, and a
-- caller that falls silent with its transaction open must not keep the rows that all work counts against. Both for this
-- transaction only; what is as strict already stays.
CREATE OR REPLACE FUNCTION moose.enter_door() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    IF current_setting('idle_in_transaction_session_timeout')::interval NOT BETWEEN '1 ms' AND '5 s' THEN
        PERFORM set_config('idle_in_transaction_session_timeout', '5s', true);
    END IF;
END $$;

-- Reserves. can_proceed: whether the work may start; reservation_id: NULL when it may not. current_total: the
-- organisation's day before this call, in USD. An estimate that reaches the cap exactly is granted.
-- p_service_name is the handler it counts as. p_metadata may say project, agent, model, idempotency_key (asking again
-- with the same one gives the same reservation while it is open) and lives_seconds (default 3600: then it is presumed
-- spent).
CREATE OR REPLACE FUNCTION public.check_and_reserve_budget(
    p_estimated_cost numeric, p_service_name text, p_metadata jsonb DEFAULT '{}'
) RETURNS TABLE (can_proceed boolean, current_total numeric, reservation_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_key text := p_metadata ->> 'idempotency_key';
    -- With the length in front, no two pairs of service and key give the same id.
    v_id uuid := CASE WHEN v_key IS NOT NULL
        THEN md5(format('reservation %s %s %s', coalesce(length(p_service_name), -1), p_service_name, v_key))::uuid
        ELSE moose.time_ordered_id() END;
    v_seconds numeric := coalesce((p_metadata ->> 'lives_seconds')::numeric, 3600);
    v_answer record;
BEGIN
    PERFORM moose.enter_door();
    IF p_estimated_cost IS NULL OR p_estimated_cost < 0 OR p_estimated_cost > 1000000000 THEN
        RAISE EXCEPTION 'p_estimated_cost must be between 0 and 1000000000 USD' USING ERRCODE = '22023';
    ELSIF v_seconds < 1 OR v_seconds > 604800 THEN
        RAISE EXCEPTION 'lives_seconds must be between 1 and 604800' USING ERRCODE = '22023';
    ELSIF v_key = '' THEN
        -- An unset variable of the caller: all its requests would share one reservation.
        RAISE EXCEPTION 'idempotency_key must not be empty' USING ERRCODE = '22023';
    END IF;
    SELECT * INTO v_answer FROM moose.ledger_batch(
        NULL, NULL, NULL, NULL, NULL,
        ARRAY[v_id], ARRAY[0::bigint], ARRAY[0::smallint], ARRAY[ceil(p_estimated_cost * 1000000)::bigint],
        ARRAY[p_metadata ->> 'project'], ARRAY[p_metadata ->> 'agent'], ARRAY[p_service_name],
        ARRAY[p_metadata ->> 'model'], ARRAY[true], ARRAY[(v_seconds * 1000)::bigint], ARRAY[p_metadata]);
    IF v_answer.replay AND v_answer.state NOT IN ('held', 'dispatched') THEN
        -- Nothing is on hold for it any more, so it may start no work.
        RAISE EXCEPTION 'the reservation % of this idempotency_key is closed (%)', v_id, v_answer.state
            USING ERRCODE = 'MS005', HINT = 'If the work is to run again, reserve with a new idempotency_key.';
    END IF;
    can_proceed := v_answer.answer <> 'refused';
    current_total := moose.dollars(coalesce(v_answer.total_before, moose.day_total()));
    reservation_id := CASE WHEN can_proceed THEN v_id END;
    RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION moose.close_reservation(p_id uuid, p_move text, p_actual_u bigint)
RETURNS TABLE (closed boolean, state text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_answer record;
BEGIN
    PERFORM moose.enter_door();
    -- Only reservations made through this door: a work order's hold belongs to its worker.
    IF NOT EXISTS (SELECT 1 FROM moose.budget_holds h WHERE h.owner = p_id AND h.token = 0 AND h.number = 0) THEN
        IF current_setting('transaction_isolation') <> 'read committed' AND p_id IS NOT NULL THEN
            -- It may have been made since this transaction began: then its row is in the way, which is 40001.
            INSERT INTO moose.budget_holds (owner, token, number, state, estimate_u, bucket_ids, caps_u)
            VALUES (p_id, 0, 0, 'cancelled', 0, '{}', '{}') ON CONFLICT DO NOTHING;
        END IF;
        RAISE EXCEPTION 'there is no reservation %', p_id USING ERRCODE = 'MS004',
            HINT = 'It was refused, or pruned.';
    END IF;
    SELECT * INTO v_answer FROM moose.ledger_batch(
        ARRAY[p_id], ARRAY[0::bigint], ARRAY[0::smallint], ARRAY[p_move], ARRAY[p_actual_u],
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    RETURN QUERY SELECT v_answer.answer = 'done', v_answer.state::text;
END $$;

-- Reports what a reservation really cost, once; a late report corrects what was presumed. A second one changes nothing.
CREATE OR REPLACE FUNCTION public.settle_budget(p_reservation_id uuid, p_actual_cost numeric)
RETURNS TABLE (settled boolean, state text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_actual_cost IS NULL OR p_actual_cost < 0 OR p_actual_cost > 1000000000 THEN
        RAISE EXCEPTION 'p_actual_cost must be between 0 and 1000000000 USD' USING ERRCODE = '22023';
    END IF;
    RETURN QUERY SELECT * FROM moose.close_reservation(
        p_reservation_id, 'settle', ceil(p_actual_cost * 1000000)::bigint);
END $$;

-- Gives a reservation back: the work never started, nothing was spent.
CREATE OR REPLACE FUNCTION public.cancel_budget(p_reservation_id uuid) RETURNS TABLE (cancelled boolean, state text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM moose.close_reservation(p_reservation_id, 'cancel', NULL)
$$;

REVOKE EXECUTE ON FUNCTION public.check_and_reserve_budget(numeric, text, jsonb) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION public.settle_budget(uuid, numeric) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION public.cancel_budget(uuid) FROM PUBLIC;
