-- Flow: which lanes are paused, how many orders of a lane, a kind or a key run at once, how many start in a time, and
-- which orders are the only ones of their key. All of it holds over all processes, and nothing of it costs a claim more
-- than a few array tests where nobody uses it.

-- What an operator set for a lane. A lane without a row has no limit and the weight of moose.yaml.
CREATE TABLE moose.lanes (
    name         text PRIMARY KEY CHECK (octet_length(name) <= 63),
    weight       integer CHECK (weight BETWEEN 1 AND 100),
    paused_at    timestamptz,
    paused_by    text,
    paused_why   text,
    concurrency  integer CHECK (concurrency > 0),
    rate         integer CHECK (rate > 0),
    rate_seconds integer CHECK (rate_seconds > 0),
    CHECK ((rate IS NULL) = (rate_seconds IS NULL)),
    CHECK ((paused_at IS NULL) = (paused_by IS NULL))
);

-- Every lane there was work for, as workers and Client Managers were configured: the broker can't be asked which of its
-- queues are Moose's.
CREATE TABLE moose.known_lanes (
    name    text PRIMARY KEY CHECK (octet_length(name) <= 63),
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- Lanes with work that nobody takes, as they were seen last.
CREATE TABLE moose.untended_lanes (
    name      text PRIMARY KEY CHECK (octet_length(name) <= 63),
    since     timestamptz NOT NULL DEFAULT now(),
    -- Stored orders that have not ended, up to 100,000, and messages in the queue; NULL: it has no queue.
    stored    bigint NOT NULL,
    queued    bigint,
    told_at   timestamptz
);

-- What limited orders pass when they are claimed: "lane NAME", "kind KIND" or "key KEY". A row is locked while a claim
-- judges it and while an end frees it, after work orders and before buckets, in the order of names.
CREATE TABLE moose.gates (
    name         text PRIMARY KEY CHECK (octet_length(name) <= 900),
    -- The limits of the last claim; a lane's stand in moose.lanes.
    concurrency  integer,
    rate         integer,
    rate_seconds integer,
    -- Orders in progress that passed it (see work_orders.gates).
    running      integer NOT NULL DEFAULT 0,
    -- The bucket of the rate: full at rate, refilled by rate in rate_seconds.
    tokens       double precision,
    refilled_at  timestamptz,
    used_at      timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- Orders a gate held back, oldest first. rung_at: woken and on the way to a worker; its place is kept for a minute.
CREATE TABLE moose.gate_waits (
    work_order_id uuid PRIMARY KEY,
    gate          text NOT NULL CHECK (octet_length(gate) <= 900),
    reason        text NOT NULL CHECK (reason IN ('paused', 'concurrency', 'rate')),
    since         timestamptz NOT NULL,
    rung_at       timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX gate_waits_line ON moose.gate_waits (gate, since, work_order_id) WHERE rung_at IS NULL;
CREATE INDEX gate_waits_rung ON moose.gate_waits (gate, rung_at) WHERE rung_at IS NOT NULL;

-- Who holds a unique key: an order that has not ended, or one that completed and whose period lasts.
CREATE TABLE moose.unique_keys (
    key           text PRIMARY KEY CHECK (octet_length(key) <= 900),
    work_order_id uuid NOT NULL,
    held_until    timestamptz,
    looked_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX unique_keys_looked_at ON moose.unique_keys (looked_at);

-- Those that could go on: an order of a paused lane stands in no other's way, and keeps no place.
CREATE VIEW moose.ready_waits AS
    SELECT y.work_order_id, y.gate, y.since, y.rung_at
    FROM moose.gate_waits y JOIN moose.work_orders w ON w.id = y.work_order_id
    WHERE NOT EXISTS (SELECT 1 FROM moose.lanes l WHERE l.name = w.lane AND l.paused_at IS NOT NULL);

-- Judges orders whose rows the caller has locked: each passes all its gates, or waits at the first that holds it back.
-- Returns those that wait. The older order goes first, also before one that comes just now to a free place.
-- p_kinds and the arrays beside it: the limits of kinds, as the claiming worker knows them; a key without a limit of its
-- kind lets one through.
CREATE FUNCTION moose.pass_gates(
    p_ids uuid[], p_kinds text[], p_concurrency integer[], p_rates integer[], p_rate_seconds integer[],
    p_key_concurrency integer[]
) RETURNS TABLE (id uuid, reason text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    n_id uuid[]; n_gate text[]; n_limit integer[]; n_rate integer[]; n_seconds integer[]; n_paused boolean[];
    n_old boolean[];
    v_gate text[]; v_used integer[]; v_tokens double precision[]; v_rung integer[]; v_oldest timestamptz[];
    v_spent integer[]; v_free double precision;
    v_order record;
    v_why text; v_at integer;
    v_passed uuid[] := '{}';
    c_id uuid[]; c_gate text[];
    h_id uuid[] := '{}'; h_gate text[] := '{}'; h_reason text[] := '{}'; h_since timestamptz[] := '{}';
    k integer; g integer;
BEGIN
    -- Which gates each has to pass. The one it waited at may be none any more: its limit then is lifted below.
    SELECT array_agg(n.id), array_agg(n.gate), array_agg(n.concurrency), array_agg(n.rate), array_agg(n.rate_seconds),
           array_agg(n.paused), array_agg(n.old)
    INTO n_id, n_gate, n_limit, n_rate, n_seconds, n_paused, n_old
    FROM (
        SELECT DISTINCT ON (w.id, x.gate) w.id, x.*
        FROM moose.work_orders w
        CROSS JOIN LATERAL (
            SELECT 'lane ' || l.name AS gate, l.concurrency, l.rate, l.rate_seconds,
                   l.paused_at IS NOT NULL AS paused, false AS old
            FROM moose.lanes l
            WHERE l.name = w.lane AND (l.paused_at IS NOT NULL OR l.concurrency IS NOT NULL OR l.rate IS NOT NULL)
            UNION ALL
            SELECT 'kind ' || i.kind, i.concurrency, i.rate, i.seconds, false, false
            FROM unnest(p_kinds, p_concurrency, p_rates, p_rate_seconds) AS i (kind, concurrency, rate, seconds)
            WHERE i.kind = w.kind AND (i.concurrency IS NOT NULL OR i.rate IS NOT NULL)
            UNION ALL
            SELECT 'key ' || w.concurrency_key,
                   coalesce(p_key_concurrency[array_position(p_kinds, w.kind)], 1), NULL, NULL, false, false
            WHERE w.concurrency_key IS NOT NULL
            UNION ALL
            SELECT y.gate, NULL, NULL, NULL, false, true FROM moose.gate_waits y WHERE y.work_order_id = w.id) x
        WHERE w.id = ANY (p_ids)
        ORDER BY w.id, x.gate, x.old
    ) n;

    IF n_id IS NOT NULL THEN
        -- Made, locked and refilled in one statement, in the order of names; read in the next.
        INSERT INTO moose.gates AS o (name, concurrency, rate, rate_seconds, tokens, refilled_at)
        SELECT i.gate, max(i.concurrency), max(i.rate), max(i.seconds), max(i.rate), clock_timestamp()
        FROM unnest(n_gate, n_limit, n_rate, n_seconds) AS i (gate, concurrency, rate, seconds)
        GROUP BY i.gate ORDER BY i.gate
        ON CONFLICT (name) DO UPDATE
        SET concurrency = excluded.concurrency, rate = excluded.rate, rate_seconds = excluded.rate_seconds,
            tokens = CASE WHEN excluded.rate IS NULL THEN o.tokens
                          ELSE least(excluded.rate, coalesce(o.tokens, excluded.rate)
                               + coalesce(greatest(0, extract(epoch FROM clock_timestamp() - o.refilled_at)), 0)
                                 * excluded.rate / excluded.rate_seconds) END,
            refilled_at = CASE WHEN excluded.rate IS NULL THEN o.refilled_at ELSE clock_timestamp() END,
            used_at = now();
        WITH came AS (
            DELETE FROM moose.gate_waits y WHERE y.work_order_id = ANY (p_ids) RETURNING y.work_order_id, y.gate
        )
        SELECT array_agg(c.work_order_id), array_agg(c.gate) INTO c_id, c_gate FROM came c;

        SELECT array_agg(o.name), array_agg(o.running), array_agg(o.tokens), array_agg(r.count),
               array_agg((SELECT y.since FROM moose.ready_waits y WHERE y.gate = o.name AND y.rung_at IS NULL
                          ORDER BY y.since LIMIT 1)),
               array_agg(0)
        INTO v_gate, v_used, v_tokens, v_rung, v_oldest, v_spent
        FROM moose.gates o
        CROSS JOIN LATERAL (
            SELECT count(*)::integer AS count FROM moose.ready_waits y
            WHERE y.gate = o.name AND y.rung_at > now() - interval '60 seconds') r
        WHERE o.name = ANY (n_gate);

        FOR v_order IN
            SELECT w.id, w.created_at, array_agg(i.n ORDER BY i.gate) AS needs
            FROM unnest(n_id, n_gate) WITH ORDINALITY AS i (id, gate, n)
            JOIN moose.work_orders w ON w.id = i.id
            GROUP BY w.id, w.created_at ORDER BY w.created_at, array_position(p_ids, w.id)
        LOOP
            v_why := NULL;
            FOREACH k IN ARRAY v_order.needs LOOP
                g := array_position(v_gate, n_gate[k]);
                v_free := least(n_limit[k] - v_used[g], CASE WHEN n_rate[k] IS NOT NULL THEN floor(v_tokens[g]) END);
                v_why := CASE
                    WHEN n_paused[k] THEN 'paused'
                    WHEN v_free IS NULL OR v_free >= 1 AND v_rung[g] = 0 AND v_oldest[g] IS NULL THEN NULL
                    -- Only older ones that were woken and are on their way keep their places: so the oldest of all
                    -- passes every gate that has one, and no two lines wait for each other.
                    WHEN v_free < 1 OR v_oldest[g] < v_order.created_at OR v_free <= v_rung[g] AND v_free <= (
                        SELECT count(*) FROM moose.ready_waits y
                        WHERE y.gate = n_gate[k] AND y.rung_at > now() - interval '60 seconds'
                          AND y.since < v_order.created_at)
                        THEN CASE WHEN n_limit[k] - v_used[g] = v_free THEN 'concurrency' ELSE 'rate' END END;
                v_at := k;
                EXIT WHEN v_why IS NOT NULL;
            END LOOP;
            IF v_why IS NULL THEN
                v_passed := v_passed || v_order.id;
                FOREACH k IN ARRAY v_order.needs LOOP
                    g := array_position(v_gate, n_gate[k]);
                    v_used[g] := v_used[g] + 1;
                    v_tokens[g] := v_tokens[g] - 1;
                    v_spent[g] := v_spent[g] + 1;
                END LOOP;
            ELSE
                h_id := h_id || v_order.id;
                h_gate := h_gate || n_gate[v_at];
                h_reason := h_reason || v_why;
                h_since := h_since || v_order.created_at;
            END IF;
        END LOOP;

        UPDATE moose.gates o SET tokens = o.tokens - i.spent
        FROM unnest(v_gate, v_spent) AS i (gate, spent)
        WHERE o.name = i.gate AND o.rate IS NOT NULL AND i.spent > 0;
        INSERT INTO moose.gate_waits (work_order_id, gate, reason, since)
        SELECT * FROM unnest(h_id, h_gate, h_reason, h_since);
        -- A place that was kept for an order which another gate holds back is the next one's.
        PERFORM moose.wake_gates(array_agg(c.gate))
        FROM unnest(c_id, c_gate) AS c (id, gate) JOIN unnest(h_id, h_gate) AS h (id, gate) ON h.id = c.id
        WHERE h.gate <> c.gate HAVING count(*) > 0;
    END IF;

    -- What it passed is what its end will free.
    UPDATE moose.work_orders w SET gates = i.gates
    FROM (SELECT p.id, array_agg(n.gate ORDER BY n.gate) FILTER (WHERE NOT n.old) AS gates
          FROM unnest(p_ids) AS p (id)
          LEFT JOIN unnest(n_id, n_gate, n_old) AS n (id, gate, old) ON n.id = p.id
          WHERE NOT p.id = ANY (h_id) GROUP BY p.id) i
    WHERE w.id = i.id AND w.gates IS DISTINCT FROM i.gates;
    RETURN QUERY SELECT * FROM unnest(h_id, h_reason);
END $$;

-- Rings for the oldest that wait at these gates, as many as have room now and none that is on its way already; at most
-- 5,000 of a gate are. Without names: the gates of lanes and kinds, and a thousand of keys, that nobody holds just now, one
-- process at a time.
CREATE FUNCTION moose.wake_gates(p_names text[] DEFAULT NULL) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_names text[]; v_keys text[];
    v_place text;
    v_rung integer;
BEGIN
    IF p_names IS NOT NULL THEN
        v_names := ARRAY(SELECT o.name FROM moose.gates o WHERE o.name = ANY (p_names) ORDER BY o.name FOR NO KEY UPDATE);
    ELSIF EXISTS (SELECT 1 FROM moose.gate_waits) THEN
        v_place := moose.take_turn('wake_gates');
        IF v_place IS NULL THEN RETURN 0; END IF;
        -- Keys have no rate, so an end frees them: this is only a net, and looks at some of them each time.
        v_keys := ARRAY(SELECT o.name FROM moose.gates o
                        WHERE o.name LIKE 'key %' AND o.name > v_place ORDER BY o.name LIMIT 1000);
        UPDATE moose.turns t SET place = coalesce(v_keys[1000], '') WHERE t.name = 'wake_gates';
        v_names := ARRAY(
            SELECT o.name FROM moose.gates o
            WHERE (o.name NOT LIKE 'key %' OR o.name = ANY (v_keys)) AND EXISTS (SELECT 1 FROM moose.gate_waits y WHERE y.gate = o.name)
              AND NOT EXISTS (SELECT 1 FROM moose.lanes l WHERE o.name = 'lane ' || l.name AND l.paused_at IS NOT NULL)
            ORDER BY o.name FOR NO KEY UPDATE SKIP LOCKED);
        -- Nobody answered its doorbell for a minute: it goes to the end of the line.
        UPDATE moose.gate_waits y SET rung_at = NULL, since = now()
        WHERE y.work_order_id IN (
            SELECT x.work_order_id FROM moose.gate_waits x
            WHERE x.gate = ANY (v_names) AND x.rung_at <= now() - interval '60 seconds' FOR UPDATE SKIP LOCKED);
    END IF;
    IF coalesce(cardinality(v_names), 0) = 0 THEN RETURN 0; END IF;

    WITH room AS (
        SELECT o.name, greatest(0, least(
                   5000, t.concurrency - o.running,
                   floor(least(t.rate, coalesce(o.tokens, t.rate)
                       + coalesce(greatest(0, extract(epoch FROM clock_timestamp() - o.refilled_at)), 0)
                         * t.rate / t.rate_seconds))::integer) - r.count) AS room
        FROM moose.gates o
        LEFT JOIN moose.lanes l ON o.name = 'lane ' || l.name
        CROSS JOIN LATERAL (
            SELECT CASE WHEN o.name LIKE 'lane %' THEN l.concurrency ELSE o.concurrency END AS concurrency,
                   CASE WHEN o.name LIKE 'lane %' THEN l.rate ELSE o.rate END AS rate,
                   CASE WHEN o.name LIKE 'lane %' THEN l.rate_seconds ELSE o.rate_seconds END AS rate_seconds) t
        CROSS JOIN LATERAL (
            SELECT count(*)::integer AS count FROM moose.ready_waits y
            WHERE y.gate = o.name AND y.rung_at > now() - interval '60 seconds') r
        WHERE o.name = ANY (v_names)
    ), woken AS (
        UPDATE moose.gate_waits y SET rung_at = clock_timestamp()
        FROM room CROSS JOIN LATERAL (
            SELECT x.work_order_id, w.lane FROM moose.gate_waits x
            JOIN moose.work_orders w ON w.id = x.work_order_id
            WHERE x.gate = room.name AND x.rung_at IS NULL
              AND w.state IN ('scheduled', 'pending', 'retrying', 'awaiting_budget')
              -- No place is for one whose lane is paused: resume_lane wakes them.
              AND NOT EXISTS (SELECT 1 FROM moose.lanes p WHERE p.name = w.lane AND p.paused_at IS NOT NULL)
            ORDER BY x.since, x.work_order_id LIMIT room.room
            -- One that somebody takes out of the line just now is passed by: whoever does so wakes the next.
            FOR UPDATE OF x SKIP LOCKED) next
        WHERE y.work_order_id = next.work_order_id
        RETURNING y.work_order_id, next.lane, y.since
    ), line AS (
        -- The relay publishes what is due first, first.
        SELECT woken.*, now() + row_number() OVER (ORDER BY since, work_order_id) * interval '1 microsecond' AS due
        FROM woken
    )
    SELECT count(*), moose.ring(array_agg(line.work_order_id), array_agg(line.lane), array_agg(line.due))
    INTO v_rung FROM line;
    RETURN v_rung;
END $$;

-- An order goes out of the line of its gate, or gives up the places that it was let through to and doesn't take: whatever
-- it is that happens to it, the next one is rung at the end of the statement.
CREATE FUNCTION moose.leave_line(p_id uuid, p_gates text[]) RETURNS void LANGUAGE plpgsql AS $$
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

-- After each statement that moved orders into or out of in_progress, or out of a line (see note_gates): their gates are counted, and
-- whoever waits for a place that became free is rung, in the same commit. So every way out frees: an end, a rescue, a cancel, a hand
-- in psql.
CREATE FUNCTION moose.count_gates() RETURNS trigger LANGUAGE plpgsql AS $$
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
    FROM unnest(v_names, v_changes) AS m (name, change) WHERE o.name = m.name;
    PERFORM moose.wake_gates(ARRAY(
        SELECT m.name FROM unnest(v_names, v_changes, v_left) AS m (name, change, is_left)
        WHERE m.change < 0 OR m.is_left));
    RETURN NULL;
END $$;
CREATE TRIGGER work_orders_gates AFTER UPDATE ON moose.work_orders
    FOR EACH STATEMENT EXECUTE FUNCTION moose.count_gates();

-- A row that is deleted while it runs or waits, as only a hand in psql does, frees its gates too.
CREATE FUNCTION moose.note_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'in_progress' THEN
        PERFORM moose.leave_line(OLD.id, OLD.gates);
    ELSIF OLD.gates IS NOT NULL THEN
        PERFORM moose.note_gates(OLD.gates, '-');
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER work_orders_deleted BEFORE DELETE ON moose.work_orders
    FOR EACH ROW WHEN (OLD.state IN ('in_progress', 'scheduled', 'pending', 'retrying', 'awaiting_budget'))
    EXECUTE FUNCTION moose.note_deleted();
CREATE TRIGGER work_orders_deleted_gates AFTER DELETE ON moose.work_orders
    FOR EACH STATEMENT EXECUTE FUNCTION moose.count_gates();

-- An order that is given another lane or key while it waits stands in the wrong line: it leaves that, and is rung in its
-- lane, where its new gates judge it.
CREATE FUNCTION moose.change_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM moose.leave_line(NEW.id, NULL);
    IF NEW.state <> 'awaiting_budget' THEN PERFORM moose.ring(ARRAY[NEW.id], ARRAY[NEW.lane], ARRAY[NEW.run_at]); END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER work_orders_moved BEFORE UPDATE OF lane, concurrency_key ON moose.work_orders
    FOR EACH ROW WHEN ((OLD.lane, OLD.concurrency_key) IS DISTINCT FROM (NEW.lane, NEW.concurrency_key)
                       AND NEW.state IN ('scheduled', 'pending', 'retrying', 'awaiting_budget'))
    EXECUTE FUNCTION moose.change_line();

-- New orders take their unique keys, the first of a batch first. One whose key another holds is cancelled, with a reason
-- that names the other. Returns those. p_seconds: how long a completed order keeps its key; NULL: not at all.
CREATE FUNCTION moose.hold_unique_keys(p_ids uuid[], p_keys text[], p_seconds integer[]) RETURNS uuid[]
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
    WHERE u.key = i.key AND u.work_order_id <> i.id AND NOT moose.holds_unique_key(u.work_order_id, u.held_until);
    UPDATE moose.work_orders w SET unique_until = now() + i.seconds * interval '1 second'
    FROM unnest(p_ids, p_seconds) AS i (id, seconds) WHERE w.id = i.id AND i.seconds IS NOT NULL;

    WITH second AS (
        UPDATE moose.work_orders w
        SET state = 'cancelled', finished_at = now(), error = 'unique_key held by ' || u.work_order_id
        FROM unnest(p_ids, p_keys) AS i (id, key) JOIN moose.unique_keys u ON u.key = i.key
        WHERE w.id = i.id AND u.work_order_id <> i.id
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
CREATE FUNCTION moose.hold_unique_keys_again(p_ids uuid[]) RETURNS TABLE (id uuid, holder uuid) LANGUAGE plpgsql AS $$
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
    WHERE u.key = i.key AND u.work_order_id <> i.id AND NOT moose.holds_unique_key(u.work_order_id, u.held_until);
    RETURN QUERY
        SELECT w.id, u.work_order_id FROM moose.work_orders w JOIN moose.unique_keys u ON u.key = w.unique_key
        WHERE w.id = ANY (p_ids) AND w.state = 'failed' AND u.work_order_id <> w.id;
END $$;

-- The same of one order whose state changes just now, by whatever: the move is refused while another holds its key.
CREATE FUNCTION moose.take_unique_key_again(p_id uuid, p_key text, p_until timestamptz) RETURNS void LANGUAGE plpgsql AS $$
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
CREATE FUNCTION moose.holds_unique_key(p_order uuid, p_until timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM moose.work_orders w
        WHERE w.id = p_order AND (w.state NOT IN ('completed', 'failed', 'cancelled')
                                  OR w.state = 'completed' AND p_until > now()))
$$;

-- Pauses a lane: no claim starts its orders from now on; what runs goes on. False: it was paused, and stays as it was.
CREATE FUNCTION moose.pause_lane(p_lane text, p_who text, p_reason text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO moose.lanes (name) VALUES (p_lane) ON CONFLICT DO NOTHING;
    UPDATE moose.lanes l SET paused_at = now(), paused_by = p_who, paused_why = p_reason
    WHERE l.name = p_lane AND l.paused_at IS NULL;
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO moose.audit_log (who, action, subject, reason) VALUES (p_who, 'lane pause', 'lane ' || p_lane, p_reason);
    -- Places that its orders were called to are others'.
    PERFORM moose.wake_gates(ARRAY(
        SELECT DISTINCT y.gate FROM moose.gate_waits y JOIN moose.work_orders w ON w.id = y.work_order_id
        WHERE w.lane = p_lane AND y.rung_at IS NOT NULL AND y.gate <> 'lane ' || p_lane LIMIT 1000));
    RETURN true;
END $$;

-- Lets a lane go on; what it held back is rung in the order of its age, in batches. False: it was not paused.
CREATE FUNCTION moose.resume_lane(p_lane text, p_who text, p_reason text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_before moose.lanes;
BEGIN
    SELECT * INTO v_before FROM moose.lanes l WHERE l.name = p_lane AND l.paused_at IS NOT NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    UPDATE moose.lanes l SET paused_at = NULL, paused_by = NULL, paused_why = NULL WHERE l.name = p_lane;
    INSERT INTO moose.audit_log (who, action, subject, before, reason)
    VALUES (p_who, 'lane resume', 'lane ' || p_lane,
            jsonb_build_object('paused_at', v_before.paused_at, 'paused_by', v_before.paused_by,
                               'paused_why', v_before.paused_why), p_reason);
    -- Also the gates of kinds and keys, whose places its orders were passed by for.
    PERFORM moose.wake_gates(ARRAY['lane ' || p_lane] || ARRAY(
        SELECT DISTINCT y.gate FROM moose.gate_waits y JOIN moose.work_orders w ON w.id = y.work_order_id
        WHERE w.lane = p_lane AND y.gate <> 'lane ' || p_lane LIMIT 1000));
    RETURN true;
END $$;

-- Sets what is given and leaves the rest; 0 takes a setting away. p_rate orders may start in p_rate_seconds. A limit
-- counts the orders that are claimed while it is in force.
CREATE FUNCTION moose.set_lane_limits(
    p_lane text, p_weight integer, p_concurrency integer, p_rate integer, p_rate_seconds integer, p_who text, p_reason text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_before moose.lanes; v_after moose.lanes;
BEGIN
    INSERT INTO moose.lanes (name) VALUES (p_lane) ON CONFLICT DO NOTHING;
    SELECT * INTO v_before FROM moose.lanes l WHERE l.name = p_lane FOR NO KEY UPDATE;
    UPDATE moose.lanes l
    SET weight = nullif(coalesce(p_weight, l.weight), 0),
        concurrency = nullif(coalesce(p_concurrency, l.concurrency), 0),
        rate = nullif(coalesce(p_rate, l.rate), 0),
        rate_seconds = CASE WHEN p_rate IS NULL THEN l.rate_seconds WHEN p_rate > 0 THEN p_rate_seconds END
    WHERE l.name = p_lane
    RETURNING * INTO v_after;
    INSERT INTO moose.audit_log (who, action, subject, before, after, reason)
    VALUES (p_who, 'lane set', 'lane ' || p_lane, to_jsonb(v_before), to_jsonb(v_after), p_reason);
    PERFORM moose.wake_gates(ARRAY['lane ' || p_lane]);
END $$;

-- A lane gets another name in three steps; a person may stop between any two and begin again. First, what was set for
-- the old name holds for the new one too, before anything is moved: nothing starts there that a pause or a limit held
-- back here. MS008: the new name has other settings. Audited once, with how many wait in which state.
CREATE FUNCTION moose.begin_lane_rename(p_from text, p_to text, p_who text, p_reason text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_from moose.lanes; v_to moose.lanes;
    v_old jsonb; v_new jsonb; v_waiting jsonb;
BEGIN
    INSERT INTO moose.lanes (name) SELECT p_to FROM moose.lanes l WHERE l.name = p_from ON CONFLICT DO NOTHING;
    PERFORM 1 FROM moose.lanes l WHERE l.name IN (p_from, p_to) ORDER BY l.name FOR NO KEY UPDATE;
    SELECT * INTO v_from FROM moose.lanes l WHERE l.name = p_from;
    SELECT * INTO v_to FROM moose.lanes l WHERE l.name = p_to;
    v_old := coalesce(jsonb_strip_nulls(to_jsonb(v_from) - 'name'), '{}');
    v_new := coalesce(jsonb_strip_nulls(to_jsonb(v_to) - 'name'), '{}');
    IF v_old <> '{}' AND v_new <> '{}' AND v_old <> v_new THEN
        RAISE EXCEPTION 'the lanes % and % have different settings, and only those of one can stay', p_from, p_to USING
            ERRCODE = 'MS008',
            HINT = format('Compare them with `moose lanes show`, then take away those of one: `moose lanes resume %s`, '
                          '`moose lanes set %1$s --weight none --concurrency none --rate none`.', p_to);
    END IF;
    SELECT coalesce(jsonb_object_agg(s.state, s.count), '{}') INTO v_waiting
    FROM (SELECT w.state, count(*) FROM moose.waiting w WHERE w.lane = p_from GROUP BY w.state) s;
    IF v_old <> '{}' THEN
        UPDATE moose.lanes l
        SET weight = v_from.weight, paused_at = v_from.paused_at, paused_by = v_from.paused_by,
            paused_why = v_from.paused_why, concurrency = v_from.concurrency, rate = v_from.rate,
            rate_seconds = v_from.rate_seconds
        WHERE l.name = p_to;
    END IF;
    IF v_old <> '{}' OR v_waiting <> '{}' THEN
        INSERT INTO moose.audit_log (who, action, subject, before, after, reason)
        VALUES (p_who, 'lane rename', 'lane ' || p_from, jsonb_build_object('name', p_from, 'settings', v_old),
                jsonb_build_object('name', p_to, 'settings', CASE v_old WHEN '{}' THEN v_new ELSE v_old END,
                                   'waiting', v_waiting), p_reason);
    END IF;
END $$;

-- Then, piece by piece, what waits: up to p_limit orders after p_after, in the order of their ids. What runs stays, and
-- so does one that somebody holds just now: seen less moved are for the next round. next_id: where this one goes on;
-- NULL: it is through.
CREATE FUNCTION moose.move_waiting(
    p_from text, p_to text, p_after uuid, p_limit integer,
    OUT seen integer, OUT moved integer, OUT next_id uuid
) LANGUAGE plpgsql AS $$
DECLARE
    v_seen uuid[] := ARRAY(SELECT w.id FROM moose.waiting w WHERE w.lane = p_from AND w.id > p_after
                           ORDER BY w.id LIMIT p_limit);
    v_mine uuid[];
BEGIN
    seen := cardinality(v_seen);
    next_id := v_seen[p_limit];
    v_mine := ARRAY(
        SELECT w.id FROM moose.work_orders w
        WHERE w.id = ANY (v_seen) AND w.lane = p_from
          AND w.state IN ('scheduled', 'pending', 'retrying', 'awaiting_budget', 'blocked')
        ORDER BY w.id FOR NO KEY UPDATE SKIP LOCKED);
    moved := cardinality(v_mine);
    -- work_orders_moved rings what can go on, or points a doorbell that is there to the new lane.
    UPDATE moose.work_orders w SET lane = p_to WHERE w.id = ANY (v_mine);
    -- Who waits for money is not rung, but may have a doorbell from before.
    UPDATE moose.outbox o SET routing_key = p_to WHERE o.doorbell_for = ANY (v_mine) AND o.routing_key = p_from;
END $$;

-- Last, what is left under the old name: what waits, as it came since or somebody held it, and what runs. Where nothing
-- is, and nothing comes out of its queue any more, its settings go away; else they go on holding there too.
CREATE FUNCTION moose.end_lane_rename(
    p_from text, p_to text, p_queue_is_empty boolean, OUT waiting bigint, OUT running bigint, OUT has_settings boolean
) LANGUAGE plpgsql AS $$
BEGIN
    waiting := (SELECT count(*) FROM moose.waiting w WHERE w.lane = p_from);
    running := (SELECT count(*) FROM moose.leases l JOIN moose.work_orders w ON w.id = l.id WHERE w.lane = p_from);
    IF p_queue_is_empty AND waiting = 0 AND running = 0 THEN
        -- One that somebody has changed meanwhile stays.
        DELETE FROM moose.lanes l USING moose.lanes n
        WHERE l.name = p_from AND n.name = p_to
          AND (to_jsonb(l) - 'name' = to_jsonb(n) - 'name' OR jsonb_strip_nulls(to_jsonb(l) - 'name') = '{}');
    END IF;
    has_settings := EXISTS (SELECT 1 FROM moose.lanes l
                            WHERE l.name = p_from AND jsonb_strip_nulls(to_jsonb(l) - 'name') <> '{}');
END $$;

-- The lanes that workers which are alive, and are not about to end, take work from.
CREATE FUNCTION moose.tended_lanes() RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT DISTINCT l FROM moose.workers w, unnest(w.lanes) AS l
    WHERE w.stopped_at IS NULL AND w.lost_at IS NULL AND NOT w.draining AND w.last_seen > now() - interval '60 seconds'
$$;

-- The lanes of stored orders that have not ended, found by skipping from one to the next.
CREATE FUNCTION moose.lanes_of_orders() RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE step AS (
        SELECT s.state, (SELECT w.lane FROM moose.waiting w WHERE w.state = s.state ORDER BY w.lane LIMIT 1) AS lane
        FROM unnest(ARRAY['scheduled', 'pending', 'retrying', 'awaiting_budget', 'blocked']) AS s (state)
        UNION ALL
        SELECT p.state, (SELECT w.lane FROM moose.waiting w WHERE w.state = p.state AND w.lane > p.lane
                         ORDER BY w.lane LIMIT 1)
        FROM step p WHERE p.lane IS NOT NULL
    )
    SELECT DISTINCT p.lane FROM step p WHERE p.lane IS NOT NULL
$$;

-- How many orders of these lanes are stored and have not ended. Counts stop at 100,000.
CREATE FUNCTION moose.stored_orders(p_lanes text[]) RETURNS TABLE (lane text, stored bigint) LANGUAGE sql STABLE AS $$
    SELECT l.lane, (SELECT count(*) FROM (
        SELECT 1 FROM moose.waiting w
        WHERE w.lane = l.lane AND w.state IN ('scheduled', 'pending', 'retrying', 'awaiting_budget', 'blocked')
        LIMIT 100000) x)
    FROM unnest(p_lanes) AS l (lane)
$$;

-- Lanes with work that nobody takes now: since when that is known, how many orders are stored, and how many messages its
-- queue held at the last look; NULL: it has none, or nobody looked.
CREATE FUNCTION moose.untended() RETURNS TABLE (name text, since timestamptz, stored bigint, queued bigint)
LANGUAGE sql STABLE AS $$
    SELECT s.lane, u.since, s.stored, u.queued
    FROM moose.stored_orders(ARRAY(
        (SELECT * FROM moose.lanes_of_orders() UNION SELECT x.name FROM moose.untended_lanes x)
        EXCEPT SELECT * FROM moose.tended_lanes())) s
    LEFT JOIN moose.untended_lanes u ON u.name = s.lane
    WHERE s.stored > 0 OR u.queued > 0
$$;

-- Lanes that nobody takes work from: of those configured, those known from before, and those of stored orders.
CREATE FUNCTION moose.lanes_to_look_at(p_configured text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO moose.known_lanes AS k (name) SELECT DISTINCT c FROM unnest(p_configured) AS c ORDER BY c
    ON CONFLICT (name) DO UPDATE SET seen_at = now() WHERE k.seen_at < now() - interval '1 day';
    RETURN QUERY
        (SELECT k.name FROM moose.known_lanes k UNION SELECT * FROM moose.lanes_of_orders())
        EXCEPT SELECT * FROM moose.tended_lanes();
END $$;

-- Keeps what was found of the lanes that were to be looked at: how much their queues hold, NULL where there is none. What has
-- had work and no worker for p_patience is told of, once until it has a worker again. Returns how many were told of.
CREATE FUNCTION moose.note_untended_lanes(p_lanes text[], p_queued bigint[], p_configured text[], p_patience interval)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_lanes text[]; v_stored bigint[]; v_queued bigint[];
    v_told integer;
BEGIN
    -- One look at a time.
    LOCK TABLE moose.untended_lanes IN SHARE ROW EXCLUSIVE MODE;
    SELECT array_agg(s.lane), array_agg(s.stored), array_agg(i.queued) INTO v_lanes, v_stored, v_queued
    FROM moose.stored_orders(p_lanes) s JOIN unnest(p_lanes, p_queued) AS i (lane, queued) ON i.lane = s.lane
    WHERE (s.stored > 0 OR i.queued > 0) AND s.lane NOT IN (SELECT * FROM moose.tended_lanes());
    INSERT INTO moose.untended_lanes AS u (name, stored, queued)
    SELECT * FROM unnest(v_lanes, v_stored, v_queued)
    ON CONFLICT (name) DO UPDATE SET stored = excluded.stored, queued = excluded.queued;
    DELETE FROM moose.untended_lanes u WHERE u.name = ANY (v_lanes) IS NOT TRUE;
    -- Neither configured nor on the broker, and nothing stored: nobody asks for it any more.
    DELETE FROM moose.known_lanes k USING unnest(p_lanes, p_queued) AS i (lane, queued)
    WHERE k.name = i.lane AND i.queued IS NULL AND k.name <> ALL (p_configured) AND k.name = ANY (v_lanes) IS NOT TRUE
      AND k.seen_at < now() - interval '1 day';

    WITH told AS (
        UPDATE moose.untended_lanes u SET told_at = now()
        WHERE u.told_at IS NULL AND u.since <= now() - p_patience
        RETURNING u.*
    ), reported AS (
        SELECT moose.report(
            moose.event_id('lane ' || t.name, (extract(epoch FROM t.since) * 1000000)::bigint, 'no worker'), 'worker', 'lane',
            'critical',
            format('no worker takes work of the lane %s%s: %s stored, %s',
                   t.name, CASE WHEN t.name = ANY (p_configured) THEN '' ELSE ', which moose.yaml does not have' END, t.stored,
                   CASE WHEN t.queued IS NULL THEN 'and it has no queue' ELSE format('%s in its queue', t.queued) END),
            NULL, 'infrastructure',
            jsonb_build_object('reason', 'no_worker', 'lane', t.name, 'stored', t.stored, 'queued', t.queued))
        FROM told t
    )
    SELECT count(*) INTO v_told FROM reported;
    RETURN v_told;
END $$;

-- Every lane that an operator set something for or that a live worker serves, with what runs and what is held back; and those
-- that have work and no worker (see moose.untended).
CREATE FUNCTION moose.lane_states() RETURNS TABLE (
    name text, weight integer, paused_at timestamptz, paused_by text, paused_why text, concurrency integer, rate integer,
    rate_seconds integer, running bigint, held bigint, workers bigint, untended_since timestamptz, stored bigint,
    queued bigint
) LANGUAGE sql STABLE AS $$
    WITH served AS (
        SELECT s.name, count(*) AS workers
        FROM moose.workers w, unnest(w.lanes) AS s (name)
        WHERE w.stopped_at IS NULL AND w.last_seen > now() - interval '60 seconds' GROUP BY 1
    ), busy AS (
        SELECT o.lane AS name, count(*) AS running FROM moose.leases l JOIN moose.work_orders o ON o.id = l.id GROUP BY 1
    ), alone AS MATERIALIZED (SELECT * FROM moose.untended())
    SELECT n.name, l.weight, l.paused_at, l.paused_by, l.paused_why, l.concurrency, l.rate, l.rate_seconds,
           coalesce(b.running, 0),
           (SELECT count(*) FROM moose.gate_waits y WHERE y.gate = 'lane ' || n.name), coalesce(s.workers, 0),
           u.since, u.stored, u.queued
    FROM (SELECT l.name FROM moose.lanes l UNION SELECT s.name FROM served s
          UNION SELECT u.name FROM alone u) n
    LEFT JOIN moose.lanes l ON l.name = n.name
    LEFT JOIN served s ON s.name = n.name
    LEFT JOIN busy b ON b.name = n.name
    LEFT JOIN alone u ON u.name = n.name
    ORDER BY n.name
$$;

-- With each sweep: orders that ended while they waited, and keys nobody used for an hour.
CREATE FUNCTION moose.tidy_flow() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_place text;
    v_waits uuid[]; v_gates text[]; v_keys text[];
BEGIN
    -- A piece of each table; the next sweep goes on.
    v_place := moose.take_turn('tidy_gate_waits');
    IF v_place IS NOT NULL THEN
        v_waits := ARRAY(
            SELECT y.work_order_id FROM moose.gate_waits y
            WHERE y.work_order_id > coalesce(nullif(v_place, ''), '00000000-0000-0000-0000-000000000000')::uuid
            ORDER BY y.work_order_id LIMIT 5000);
        DELETE FROM moose.gate_waits y WHERE y.work_order_id IN (
            SELECT x.work_order_id FROM moose.gate_waits x
            LEFT JOIN moose.work_orders w ON w.id = x.work_order_id
            WHERE x.work_order_id = ANY (v_waits)
              AND (w.id IS NULL OR w.state NOT IN ('scheduled', 'pending', 'retrying', 'awaiting_budget'))
            FOR UPDATE OF x SKIP LOCKED);
        UPDATE moose.turns t SET place = coalesce(v_waits[5000]::text, '') WHERE t.name = 'tidy_gate_waits';
    END IF;
    v_place := moose.take_turn('tidy_gates');
    IF v_place IS NOT NULL THEN
        v_gates := ARRAY(SELECT o.name FROM moose.gates o WHERE o.name > v_place ORDER BY o.name LIMIT 5000);
        DELETE FROM moose.gates o WHERE o.name IN (
            SELECT x.name FROM moose.gates x
            WHERE x.name = ANY (v_gates) AND x.name LIKE 'key %' AND x.running = 0
              AND x.used_at < now() - interval '1 hour'
              AND NOT EXISTS (SELECT 1 FROM moose.gate_waits y WHERE y.gate = x.name)
            FOR UPDATE SKIP LOCKED);
        UPDATE moose.turns t SET place = coalesce(v_gates[5000], '') WHERE t.name = 'tidy_gates';
    END IF;
    v_keys := ARRAY(SELECT x.key FROM moose.unique_keys x WHERE x.looked_at < now() - interval '1 hour'
                    ORDER BY x.looked_at LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED);
    DELETE FROM moose.unique_keys u
    WHERE u.key = ANY (v_keys) AND NOT moose.holds_unique_key(u.work_order_id, u.held_until);
    UPDATE moose.unique_keys u SET looked_at = now() WHERE u.key = ANY (v_keys);
END $$;
