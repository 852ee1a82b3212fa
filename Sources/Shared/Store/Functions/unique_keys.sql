-- New orders take their unique keys, the first of a batch first. One whose key another holds is cancelled, with a
-- reason that names the other. Returns those. p_seconds: how long a completed order keeps its key; NULL: not at all.
CREATE OR REPLACE FUNCTION moose.hold_unique_keys(p_ids uuid[], p_keys text[], p_seconds integer[]) RETURNS uuid[]
LANGUAGE plpgsql AS $$
DECLARE
    v_second uuid[];
BEGIN
    INSERT INTO moose.unique_keys (key, work_order_id, held_until)
    SELECT DISTINCT ON (i.key) i.key, i.id, now() + i.seconds * interval '1 second'
    FROM unnest(p_ids, p_keys, p_seconds) WITH ORDINALITY AS i (id, key, seconds, n) ORDER BY i.key, i.n
    -- Only locks; who holds it is read in the next statement.
    ON CONFLICT (key) DO UPDATE SET key = excluded.key;
    UPDATE moose.unique_keys u
    SET work_order_id = i.id, held_until = now() + i.seconds * interval '1 second', looked_at = now()
    FROM (SELECT DISTINCT ON (x.key) x.key, x.id, x.seconds
          FROM unnest(p_ids, p_keys, p_seconds) WITH ORDINALITY AS x (id, key, seconds, n) ORDER BY x.key, x.n) i
    WHERE u.key = ANY (ARRAY[i.key]) AND u.work_order_id <> i.id
      AND NOT moose.holds_unique_key(u.work_order_id, u.held_until);
    UPDATE moose.work_orders w SET unique_until = now() + i.seconds * interval '1 second'
    FROM unnest(p_ids, p_seconds) AS i (id, seconds) WHERE w.id = ANY (ARRAY[i.id]) AND i.seconds IS NOT NULL;

    WITH second AS (
        UPDATE moose.work_orders w
        SET state = 'cancelled', finished_at = now(), error = 'unique_key held by ' || u.work_order_id
        FROM unnest(p_ids, p_keys) AS i (id, key) JOIN moose.unique_keys u ON u.key = ANY (ARRAY[i.key])
        WHERE w.id = ANY (ARRAY[i.id]) AND u.work_order_id <> i.id
        RETURNING w.id
    )
    SELECT coalesce(array_agg(s.id), '{}') INTO v_second FROM second s;
    IF v_second <> '{}' THEN
        PERFORM moose.reply(v_second);
    END IF;
    RETURN v_second;
END $$;

-- Failed orders that are to go on again take their unique keys again, the oldest of each key. Returns those that can't,
-- and who holds the key. The keys are locked until the commit, in their order, and so after the orders.
CREATE OR REPLACE FUNCTION moose.hold_unique_keys_again(p_ids uuid[]) RETURNS TABLE (id uuid, holder uuid)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_ids uuid[]; v_keys text[]; v_until timestamptz[];
BEGIN
    SELECT array_agg(i.id), array_agg(i.unique_key), array_agg(i.unique_until) INTO v_ids, v_keys, v_until
    FROM (SELECT DISTINCT ON (w.unique_key) w.id, w.unique_key, w.unique_until FROM moose.work_orders w
          WHERE w.id = ANY (p_ids) AND w.unique_key IS NOT NULL AND w.state = 'failed'
          ORDER BY w.unique_key, w.created_at, w.id) i;
    IF v_ids IS NULL THEN RETURN; END IF;
    INSERT INTO moose.unique_keys (key, work_order_id, held_until)
    SELECT i.key, i.id, i.until FROM unnest(v_keys, v_ids, v_until) AS i (key, id, until) ORDER BY i.key
    -- Only locks; who holds it is read in the next statement.
    ON CONFLICT (key) DO UPDATE SET key = excluded.key;
    UPDATE moose.unique_keys u SET work_order_id = i.id, held_until = i.until, looked_at = now()
    FROM unnest(v_keys, v_ids, v_until) AS i (key, id, until)
    WHERE u.key = ANY (ARRAY[i.key]) AND u.work_order_id <> i.id
      AND NOT moose.holds_unique_key(u.work_order_id, u.held_until);
    RETURN QUERY
        SELECT w.id, u.work_order_id FROM moose.work_orders w
        JOIN moose.unique_keys u ON u.key = ANY (ARRAY[w.unique_key])
        WHERE w.id = ANY (p_ids) AND w.state = 'failed' AND u.work_order_id <> w.id;
END $$;

-- The same of one order whose state changes just now, by whatever: the move is refused while another holds its key.
CREATE OR REPLACE FUNCTION moose.take_unique_key_again(p_id uuid, p_key text, p_until timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_holder uuid;
BEGIN
    INSERT INTO moose.unique_keys (key, work_order_id, held_until) VALUES (p_key, p_id, p_until)
    ON CONFLICT (key) DO UPDATE SET key = excluded.key;
    UPDATE moose.unique_keys u SET work_order_id = p_id, held_until = p_until, looked_at = now()
    WHERE u.key = p_key AND u.work_order_id <> p_id AND NOT moose.holds_unique_key(u.work_order_id, u.held_until);
    SELECT u.work_order_id INTO v_holder FROM moose.unique_keys u WHERE u.key = p_key AND u.work_order_id <> p_id;
    IF FOUND THEN
        RAISE EXCEPTION 'the unique key of work order % is held by %', p_id, v_holder USING ERRCODE = 'MS007',
            HINT = 'Wait until that one has ended, or cancel it.';
    END IF;
END $$;

-- Whether an order keeps others of its unique key out.
CREATE OR REPLACE FUNCTION moose.holds_unique_key(p_order uuid, p_until timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM moose.work_orders w
        WHERE w.id = p_order AND (w.state NOT IN ('completed', 'failed', 'cancelled')
                                  OR w.state = 'completed' AND p_until > now()))
$$;
