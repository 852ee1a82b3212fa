-- The live sets follow every move but those that make one statement of thousands: a claim writes its leases itself, and
-- the end of an attempt that completed takes its lease away itself (see claim_batch and finish_batch). While
-- moose.keeps_sets is on, the statement also writes what it registers into the line, and takes what it claims out of
-- it.
CREATE OR REPLACE FUNCTION moose.keep_live_sets() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    c_waiting CONSTANT text[] := '{scheduled,pending,retrying,awaiting_budget,blocked}';
    c_wrong CONSTANT text[] := '{failed,needs_review,cancelled}';
    v_from text := CASE WHEN TG_OP <> 'INSERT' THEN OLD.state END;
    v_to text := CASE WHEN TG_OP <> 'DELETE' THEN NEW.state END;
BEGIN
    IF v_from IS DISTINCT FROM v_to THEN
        IF v_from = 'in_progress' THEN
            DELETE FROM moose.leases l WHERE l.id = OLD.id;
        ELSIF v_from = ANY (c_waiting) AND v_to = ANY (c_waiting) IS NOT TRUE THEN
            DELETE FROM moose.waiting w WHERE w.id = OLD.id;
        ELSIF v_from = ANY (c_wrong) THEN
            DELETE FROM moose.wrong w WHERE w.id = OLD.id;
        END IF;
        IF v_to = 'in_progress' AND NOT EXISTS (SELECT 1 FROM moose.leases l WHERE l.id = NEW.id) THEN
            RAISE EXCEPTION 'work order % has no lease', NEW.id USING ERRCODE = 'MS001',
                HINT = 'Only a claim makes an order run: it writes the lease first.';
        END IF;
        IF v_to = ANY (c_wrong) THEN
            INSERT INTO moose.wrong (id, state) VALUES (NEW.id, v_to)
            ON CONFLICT (id) DO UPDATE SET state = excluded.state;
        END IF;
    END IF;
    IF v_to = ANY (c_waiting) THEN
        INSERT INTO moose.waiting (id, state, lane, run_at, project, rank, due)
        VALUES (NEW.id, v_to, NEW.lane, NEW.run_at, coalesce(NEW.project, ''), 9 - NEW.priority,
                CASE WHEN v_to IN ('scheduled', 'pending', 'retrying') THEN NEW.run_at END)
        ON CONFLICT (id) DO UPDATE
        SET state = excluded.state, lane = excluded.lane, run_at = excluded.run_at, project = excluded.project,
            rank = excluded.rank, due = excluded.due;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER work_orders_born AFTER INSERT ON moose.work_orders
    FOR EACH ROW WHEN (NEW.state <> 'in_progress'
                       AND (NEW.state <> 'pending' OR current_setting('moose.keeps_sets', true) IS DISTINCT FROM 'on'))
    EXECUTE FUNCTION moose.keep_live_sets();
CREATE OR REPLACE TRIGGER work_orders_live AFTER UPDATE ON moose.work_orders
    FOR EACH ROW WHEN (NOT (OLD.state = 'in_progress' AND NEW.state = 'completed')
                       AND (NEW.state <> 'in_progress'
                            OR current_setting('moose.keeps_sets', true) IS DISTINCT FROM 'on')
                       AND (OLD.state, OLD.lane, OLD.run_at, OLD.project, OLD.priority)
                           IS DISTINCT FROM (NEW.state, NEW.lane, NEW.run_at, NEW.project, NEW.priority))
    EXECUTE FUNCTION moose.keep_live_sets();
CREATE OR REPLACE TRIGGER work_orders_gone AFTER DELETE ON moose.work_orders
    FOR EACH ROW WHEN (OLD.state <> 'completed') EXECUTE FUNCTION moose.keep_live_sets();

-- Orders whose state and whose live sets don't agree: none, ever. For tests and for `moose doctor`.
CREATE OR REPLACE FUNCTION moose.live_set_differences() RETURNS TABLE (id uuid, state text, found text)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(w.id, s.id), w.state, s.found
    FROM (SELECT o.* FROM moose.work_orders o WHERE o.state <> 'completed') w
    FULL JOIN (
        SELECT x.id, x.state AS found, x.lane, x.run_at, x.project, x.rank, NULL::bigint AS token FROM moose.waiting x
        UNION ALL SELECT l.id, 'in_progress', NULL, NULL, NULL, NULL, l.token FROM moose.leases l
        UNION ALL SELECT x.id, x.state, NULL, NULL, NULL, NULL, NULL FROM moose.wrong x) s ON s.id = w.id
    WHERE s.found IS DISTINCT FROM w.state
       OR (s.lane, s.run_at, s.project, s.rank) <> (w.lane, w.run_at, coalesce(w.project, ''), 9 - w.priority)
       OR s.token <> w.fencing_token
$$;
