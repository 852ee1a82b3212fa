CREATE OR REPLACE FUNCTION moose.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('moose.pruning', true) = 'on' THEN RETURN NULL; END IF;
    RAISE EXCEPTION 'cost_tracking is append-only' USING ERRCODE = 'MS002',
        HINT = 'Post a correcting entry instead of changing or deleting one.';
END $$;
CREATE OR REPLACE TRIGGER cost_tracking_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON moose.cost_tracking
    FOR EACH STATEMENT EXECUTE FUNCTION moose.refuse_change();
