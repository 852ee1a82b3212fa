CREATE OR REPLACE FUNCTION moose.check_transition() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_from text := CASE TG_OP WHEN 'INSERT' THEN 'new' ELSE OLD.state END;
BEGIN
    PERFORM 1 FROM moose.work_order_transitions t WHERE t.from_state = v_from AND t.to_state = NEW.state;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'invalid state transition' USING
            ERRCODE = 'MS001',
            DETAIL = format('work order %s: %s -> %s', NEW.id, v_from, NEW.state),
            HINT = 'Legal moves are listed in moose.work_order_transitions.';
    END IF;
    IF NEW.state NOT IN ('awaiting_budget', 'pending') THEN
        NEW.waits_on := NULL;
        NEW.waits_for_u := NULL;
    END IF;
    IF NEW.state NOT IN ('scheduled', 'pending', 'retrying') THEN NEW.unknown_since := NULL; END IF;
    IF v_from = 'needs_review' THEN NEW.ci_since := NULL; END IF;
    IF 'in_progress' IN (v_from, NEW.state) THEN
        IF NEW.gates IS NOT NULL THEN
            PERFORM moose.note_gates(NEW.gates, CASE NEW.state WHEN 'in_progress' THEN '+' ELSE '-' END);
        END IF;
    ELSIF v_from = 'failed' THEN
        NEW.letter_reason := NULL;
        -- Whatever brings it back: another may have its unique key by now.
        IF NEW.unique_key IS NOT NULL AND NEW.state <> 'cancelled' THEN
            PERFORM moose.take_unique_key_again(NEW.id, NEW.unique_key, NEW.unique_until);
        END IF;
    ELSIF v_from IN ('scheduled', 'pending', 'retrying', 'awaiting_budget')
        AND NEW.state NOT IN ('scheduled', 'pending', 'retrying') THEN
        PERFORM moose.leave_line(NEW.id, NEW.gates);
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER work_orders_insert BEFORE INSERT ON moose.work_orders
    FOR EACH ROW WHEN (NEW.state IS NULL OR NEW.state NOT IN ('in_progress', 'pending'))
    EXECUTE FUNCTION moose.check_transition();

-- Nine of ten moves are a run that begins or succeeds: legal, and without gates there is nothing to do for it.
CREATE OR REPLACE TRIGGER work_orders_transition BEFORE UPDATE ON moose.work_orders
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state
                       AND NOT (OLD.state = 'in_progress' AND NEW.state = 'completed'
                                AND NEW.gates IS NULL AND NEW.waits_on IS NULL)
                       AND NOT (OLD.state = 'pending' AND NEW.state = 'in_progress' AND NEW.gates IS NULL
                                AND NEW.waits_on IS NULL AND NEW.unknown_since IS NULL))
    EXECUTE FUNCTION moose.check_transition();
