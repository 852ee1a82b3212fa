-- Notes for the end of the statement that these gates were entered (+) or left (-), or that an order which waited
-- there, or had a place kept, went away (0): counted there in one go, in the order of their names, so that two
-- statements never wait for each other's rows.
CREATE OR REPLACE FUNCTION moose.note_gates(p_gates text[], p_sign text) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('moose.gates_moved', coalesce(current_setting('moose.gates_moved', true), '')
                          || p_sign || array_to_string(p_gates, E'\n' || p_sign) || E'\n', true)
$$;

-- An order goes out of the line of its gate, or gives up the places that it was let through to and doesn't take:
-- whatever it is that happens to it, the next one is called at the end of the statement.
CREATE OR REPLACE FUNCTION moose.leave_line(p_id uuid, p_gates text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_gates text[] := p_gates;
    v_gate text;
BEGIN
    DELETE FROM moose.gate_waits y WHERE y.work_order_id = p_id RETURNING y.gate INTO v_gate;
    IF FOUND THEN v_gates := v_gates || v_gate; END IF;
    -- Once each: thousands that are cancelled together leave few gates.
    v_gates := ARRAY(
        SELECT g FROM unnest(v_gates) AS g
        WHERE strpos(coalesce(current_setting('moose.gates_moved', true), ''), '0' || g || E'\n') = 0);
    IF v_gates <> '{}' THEN PERFORM moose.note_gates(v_gates, '0'); END IF;
END $$;

-- After each statement that moved orders into or out of in_progress, or out of a line (see note_gates): their gates are
-- counted, and whoever waits for a place that became free is called, in the same commit. So every way out frees: an
-- end, a rescue, a cancel, a hand in psql.
CREATE OR REPLACE FUNCTION moose.count_gates() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_moved text := current_setting('moose.gates_moved', true);
    v_names text[]; v_changes integer[]; v_left boolean[];
BEGIN
    IF coalesce(v_moved, '') = '' THEN RETURN NULL; END IF;
    PERFORM set_config('moose.gates_moved', '', true);
    SELECT array_agg(m.name), array_agg(m.change), array_agg(m.is_left) INTO v_names, v_changes, v_left
    FROM (SELECT substr(e, 2) AS name, bool_or(left(e, 1) = '0') AS is_left,
                 sum(CASE left(e, 1) WHEN '+' THEN 1 WHEN '-' THEN -1 ELSE 0 END)::integer AS change
          FROM unnest(string_to_array(v_moved, E'\n')) AS e WHERE e <> '' GROUP BY 1) m;
    PERFORM 1 FROM moose.gates o WHERE o.name = ANY (v_names) ORDER BY o.name FOR NO KEY UPDATE;
    UPDATE moose.gates o SET running = greatest(0, o.running + m.change), used_at = now()
    FROM unnest(v_names, v_changes) AS m (name, change) WHERE o.name = ANY (ARRAY[m.name]);
    PERFORM moose.wake_gates(ARRAY(
        SELECT m.name FROM unnest(v_names, v_changes, v_left) AS m (name, change, is_left)
        WHERE m.change < 0 OR m.is_left));
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER work_orders_gates AFTER UPDATE ON moose.work_orders
    FOR EACH STATEMENT EXECUTE FUNCTION moose.count_gates();

-- A row that is deleted while it runs or waits, as only a hand in psql does, frees its gates too.
CREATE OR REPLACE FUNCTION moose.note_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'in_progress' THEN
        PERFORM moose.leave_line(OLD.id, OLD.gates);
    ELSIF OLD.gates IS NOT NULL THEN
        PERFORM moose.note_gates(OLD.gates, '-');
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER work_orders_deleted BEFORE DELETE ON moose.work_orders
    FOR EACH ROW WHEN (OLD.state IN ('in_progress', 'scheduled', 'pending', 'retrying', 'awaiting_budget'))
    EXECUTE FUNCTION moose.note_deleted();
CREATE OR REPLACE TRIGGER work_orders_deleted_gates AFTER DELETE ON moose.work_orders
    FOR EACH STATEMENT EXECUTE FUNCTION moose.count_gates();

-- An order that is given another lane or key while it waits stands in the wrong line: it leaves that, and stands in the
-- line of its lane, where its new gates judge it.
CREATE OR REPLACE FUNCTION moose.change_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM moose.leave_line(NEW.id, NULL);
    IF NEW.state <> 'awaiting_budget' THEN PERFORM moose.put_in_line(ARRAY[NEW.id], ARRAY[NEW.run_at]); END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER work_orders_moved BEFORE UPDATE OF lane, concurrency_key ON moose.work_orders
    FOR EACH ROW WHEN ((OLD.lane, OLD.concurrency_key) IS DISTINCT FROM (NEW.lane, NEW.concurrency_key)
                       AND NEW.state IN ('scheduled', 'pending', 'retrying', 'awaiting_budget'))
    EXECUTE FUNCTION moose.change_line();
