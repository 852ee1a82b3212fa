-- An order that fails gets its letter in the same commit, whoever fails it; one that goes on again closes it. The
-- error event is written by whoever fails it.
CREATE OR REPLACE FUNCTION moose.bury_order() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_state text := CASE NEW.state WHEN 'cancelled' THEN 'purged' ELSE 'redriven' END;
BEGIN
    IF NEW.state = 'failed' THEN
        INSERT INTO moose.dead_letters (id, reason, explanation, is_order, work_order_id, kind, lane, exchange,
                                        routing_key, body, digest, headers)
        VALUES (moose.time_ordered_id(), coalesce(NEW.letter_reason, 'exhausted'),
                coalesce(NEW.error, 'failed without a message'), true, NEW.id, NEW.kind, NEW.lane, 'moose.work',
                NEW.lane, NEW.body, NEW.digest,
                json_strip_nulls(json_build_object(
                    'message_id', NEW.id, 'type', 'moose.work-order.v1', 'app_id', NEW.app_id,
                    'reply_to', NEW.reply_to, 'correlation_id', NEW.correlation_id, 'delivery_mode', 2,
                    'headers', json_strip_nulls(json_build_object('traceparent', NEW.traceparent)))));
    ELSE
        WITH closed AS (
            UPDATE moose.dead_letters d SET state = v_state
            WHERE d.work_order_id = NEW.id AND d.is_order AND d.state = 'dead' RETURNING d.id
        )
        INSERT INTO moose.dead_letter_history (letter_id, action, who, detail, why)
        SELECT c.id, v_state, coalesce(nullif(current_setting('moose.who', true), ''), session_user),
               'the order became ' || NEW.state, nullif(current_setting('moose.reason', true), '')
        FROM closed c;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER work_orders_born_failed AFTER INSERT ON moose.work_orders
    FOR EACH ROW WHEN (NEW.state = 'failed') EXECUTE FUNCTION moose.bury_order();
CREATE OR REPLACE TRIGGER work_orders_failed AFTER UPDATE ON moose.work_orders
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND (NEW.state = 'failed' OR OLD.state = 'failed'))
    EXECUTE FUNCTION moose.bury_order();
