-- What could not be delivered, understood or finished: messages that were refused, and orders that failed for good. One
-- table for both, so that nothing has to be looked for in two places.

-- Every reason there is; the program knows the same ones, and a test holds both together.
CREATE FUNCTION moose.dead_letter_reasons() RETURNS text[] LANGUAGE sql IMMUTABLE
RETURN '{malformed,invalid_field,no_id,oversize,unknown_price,unknown_kind,id_reused,unknown_work_order,unroutable,
         delivery_limit,expired,max_length,rejected,refused,unpublishable,exhausted,poison,never_fits,
         dependency_failed}'::text[];

CREATE TABLE moose.dead_letters (
    id             uuid PRIMARY KEY,
    state          text NOT NULL DEFAULT 'dead' CHECK (state IN ('dead', 'redriven', 'purged')),
    reason         text NOT NULL CHECK (reason = ANY (moose.dead_letter_reasons())),
    explanation    text NOT NULL,
    -- It stands for the order itself, which is `failed`; otherwise for a message.
    is_order       boolean NOT NULL DEFAULT false,
    work_order_id  uuid,
    kind           text,
    lane           text,
    -- Where the message was published to, and the queue that gave it up.
    exchange       text,
    routing_key    text,
    queue          text,
    -- Of one over the limit only the beginning; then its size and SHA-256 stand beside it.
    body           bytea NOT NULL,
    cut_size       bigint,
    cut_sha256     bytea,
    -- Of body and properties: what a redelivery is recognised by.
    digest         bytea NOT NULL CHECK (octet_length(digest) <= 32),
    -- Properties and headers for people and queries, bounded; and exactly as they came, encoded as AMQP has them. NULL where
    -- the message is gone: a failed order's, or one that SQL wrote.
    headers        json NOT NULL DEFAULT '{}',
    properties     bytea,
    -- How often the broker dead-lettered it, and when last.
    deaths         bigint,
    died_at        timestamptz,
    redelivered    boolean NOT NULL DEFAULT false,
    -- How often its recorder got it back from the broker: a crash between commit and acknowledgement.
    deliveries     integer NOT NULL DEFAULT 0,
    -- The redrive that was begun last, the one that came back last, and who is at it now.
    redrive_number integer NOT NULL DEFAULT 0,
    came_back      integer NOT NULL DEFAULT 0,
    lease          uuid,
    leased_until   timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
CREATE INDEX dead_letters_dead ON moose.dead_letters (created_at DESC, id DESC) WHERE state = 'dead';
CREATE INDEX dead_letters_recent ON moose.dead_letters (created_at DESC, id DESC);
CREATE INDEX dead_letters_digest ON moose.dead_letters (digest);
CREATE INDEX dead_letters_work_order ON moose.dead_letters (work_order_id) WHERE work_order_id IS NOT NULL;
-- At most one open letter an order.
CREATE UNIQUE INDEX dead_letters_order ON moose.dead_letters (work_order_id) WHERE is_order AND state = 'dead';

-- What became of a letter, and who did it.
CREATE TABLE moose.dead_letter_history (
    letter_id uuid NOT NULL,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    action    text NOT NULL CHECK (action IN ('redriven', 'came_back', 'purged')),
    who       text NOT NULL,
    -- Where it went, or why it came back.
    detail    text,
    why       text
);
CREATE INDEX dead_letter_history_of ON moose.dead_letter_history (letter_id, at);

-- An order that fails gets its letter in the same commit, whoever fails it; one that goes on again closes it. The
-- error event is written by whoever fails it.
CREATE FUNCTION moose.bury_order() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER work_orders_born_failed AFTER INSERT ON moose.work_orders
    FOR EACH ROW WHEN (NEW.state = 'failed') EXECUTE FUNCTION moose.bury_order();
CREATE TRIGGER work_orders_failed AFTER UPDATE ON moose.work_orders
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND (NEW.state = 'failed' OR OLD.state = 'failed'))
    EXECUTE FUNCTION moose.bury_order();

-- Locked as a table, and always empty (see moose.limits_lock).
CREATE TABLE moose.letters_lock ();

-- Messages nobody can use: a dead letter and its error event each, in one commit. Written once, however often the
-- broker delivers them: one with an id is the one of that id that lies there dead; of those without, a redelivery takes
-- the place of one equal letter that has seen fewer deliveries, so that of two equal messages both are kept. A redriven message that died again opens its own letter again.
CREATE FUNCTION moose.bury_batch(
    p_reasons text[], p_explanations text[], p_work_orders uuid[], p_kinds text[], p_lanes text[],
    p_exchanges text[], p_routing_keys text[], p_bodies bytea[], p_headers text[], p_redelivered boolean[],
    p_deliveries integer[] DEFAULT NULL, p_queues text[] DEFAULT NULL, p_deaths bigint[] DEFAULT NULL,
    p_died_at timestamptz[] DEFAULT NULL, p_redrive_of uuid[] DEFAULT NULL, p_redrive_numbers integer[] DEFAULT NULL,
    p_properties bytea[] DEFAULT NULL, p_digests bytea[] DEFAULT NULL, p_cut_sizes bigint[] DEFAULT NULL,
    p_cut_sha256 bytea[] DEFAULT NULL, p_redrive_seals bytea[] DEFAULT NULL
) RETURNS integer LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_new integer[] := ARRAY(SELECT generate_subscripts(p_reasons, 1));
    v_digests bytea[] := ARRAY(SELECT coalesce(p_digests[n], moose.letter_digest(p_bodies[n], p_headers[n]))
                               FROM generate_subscripts(p_reasons, 1) AS n ORDER BY n);
    v_back integer[] := '{}';
    v_letter uuid;
    v_count integer;
    i integer;
BEGIN
    -- A redelivery waits for a commit that is still on its way from the recorder that died.
    IF true = ANY (p_redelivered) THEN
        LOCK TABLE moose.letters_lock IN EXCLUSIVE MODE;
    ELSE
        LOCK TABLE moose.letters_lock IN ROW SHARE MODE;
    END IF;

    -- A mark is believed where its seal fits the body: everybody can write a header, or copy one.
    p_redrive_of := ARRAY(
        SELECT CASE WHEN p_redrive_seals[n] = sha256(uuid_send(moose.redrive_key(p_redrive_of[n], p_redrive_numbers[n]))
                                                     || coalesce(p_cut_sha256[n], sha256(p_bodies[n])))
                    THEN p_redrive_of[n] END
        FROM generate_subscripts(p_reasons, 1) AS n ORDER BY n);

    -- 1. Redriven and dead again. A copy of an earlier redrive is dropped: the letter is out under a later number, or
    -- open again.
    IF cardinality(array_remove(p_redrive_of, NULL)) > 0 THEN
        PERFORM 1 FROM moose.dead_letters d WHERE d.id = ANY (p_redrive_of) ORDER BY d.id FOR NO KEY UPDATE;
        v_new := ARRAY(SELECT n FROM unnest(v_new) AS n
                       WHERE NOT EXISTS (SELECT 1 FROM moose.dead_letters d WHERE d.id = p_redrive_of[n]) ORDER BY n);
        WITH back AS (
            UPDATE moose.dead_letters d
            SET state = 'dead', is_order = false, came_back = p_redrive_numbers[b.n], leased_until = NULL,
                reason = p_reasons[b.n], explanation = p_explanations[b.n], kind = p_kinds[b.n], lane = p_lanes[b.n],
                exchange = p_exchanges[b.n], routing_key = p_routing_keys[b.n], queue = p_queues[b.n],
                body = p_bodies[b.n], digest = v_digests[b.n], headers = p_headers[b.n]::json,
                properties = p_properties[b.n], cut_size = p_cut_sizes[b.n], cut_sha256 = p_cut_sha256[b.n], deaths = p_deaths[b.n], died_at = p_died_at[b.n]
            FROM (SELECT DISTINCT ON (p_redrive_of[n]) n FROM generate_subscripts(p_reasons, 1) AS n
                  WHERE p_redrive_of[n] IS NOT NULL ORDER BY p_redrive_of[n], p_redrive_numbers[n] DESC) b
            WHERE d.id = p_redrive_of[b.n] AND d.state <> 'purged'
              AND d.redrive_number = p_redrive_numbers[b.n] AND d.came_back < p_redrive_numbers[b.n]
            RETURNING b.n, d.id
        ), noted AS (
            INSERT INTO moose.dead_letter_history (letter_id, action, who, detail)
            SELECT b.id, 'came_back', 'moose', format('%s: %s', p_reasons[b.n], p_explanations[b.n]) FROM back b
        ), told AS (
            SELECT moose.report(
                moose.event_id('dead letter ' || b.id, p_redrive_numbers[b.n], p_reasons[b.n]), 'worker', 'intake',
                'warning', format('dead letter (%s): %s', p_reasons[b.n], p_explanations[b.n]), p_work_orders[b.n],
                'invalid_input', jsonb_build_object('reason', p_reasons[b.n], 'dead_letter', b.id,
                                                    'handler', p_kinds[b.n], 'lane', p_lanes[b.n]))
            FROM back b
        )
        SELECT count(*) INTO v_count FROM told;
    END IF;

    -- 2. Written already. The digest covers the id.
    v_new := ARRAY(
        SELECT n FROM (
            SELECT n, v_digests[n] AS digest,
                   (p_headers[n]::json ->> 'message_id') IS NOT NULL AS has_id,
                   row_number() OVER (PARTITION BY v_digests[n], p_reasons[n] ORDER BY n) AS nth
            FROM unnest(v_new) AS n) i
        WHERE NOT i.has_id OR i.nth = 1 AND NOT EXISTS (
            SELECT 1 FROM moose.dead_letters x
            WHERE x.digest = i.digest AND x.reason = p_reasons[i.n] AND x.state = 'dead' AND NOT x.is_order)
        ORDER BY n);
    -- Redelivered, and perhaps written already.
    IF true = ANY (p_redelivered) THEN
        FOREACH i IN ARRAY v_new LOOP
            CONTINUE WHEN p_redelivered[i] IS NOT TRUE;
            UPDATE moose.dead_letters d SET deliveries = greatest(1, p_deliveries[i])
            WHERE d.id = (SELECT x.id FROM moose.dead_letters x
                          WHERE x.digest = v_digests[i] AND x.reason = p_reasons[i]
                            AND NOT x.is_order AND x.deliveries < greatest(1, p_deliveries[i])
                            AND x.created_at > now() - interval '1 day'
                          ORDER BY x.created_at DESC, x.id LIMIT 1);
            IF FOUND THEN v_back := v_back || i; END IF;
        END LOOP;
        v_new := ARRAY(SELECT n FROM unnest(v_new) AS n WHERE NOT n = ANY (v_back) ORDER BY n);
    END IF;

    -- 3. All others.
    WITH buried AS (
        INSERT INTO moose.dead_letters (id, reason, explanation, work_order_id, kind, lane, exchange, routing_key,
                                        queue, body, cut_size, cut_sha256, digest, headers, properties, deaths,
                                        died_at, redelivered, deliveries)
        SELECT moose.time_ordered_id(), p_reasons[n], p_explanations[n], p_work_orders[n], p_kinds[n], p_lanes[n],
               p_exchanges[n], p_routing_keys[n], p_queues[n], p_bodies[n], p_cut_sizes[n], p_cut_sha256[n],
               v_digests[n], p_headers[n]::json, p_properties[n], p_deaths[n], p_died_at[n], p_redelivered[n], CASE WHEN p_redelivered[n] THEN greatest(1, p_deliveries[n]) ELSE 0 END
        FROM unnest(v_new) AS n
        RETURNING id, reason, explanation, work_order_id, kind, lane
    ), told AS (
        SELECT moose.report(
            moose.event_id('dead letter ' || b.id, 0, b.reason), 'worker', 'intake', 'warning',
            format('dead letter (%s): %s', b.reason, b.explanation), b.work_order_id, 'invalid_input',
            jsonb_build_object('reason', b.reason, 'dead_letter', b.id, 'handler', b.kind, 'lane', b.lane))
        FROM buried b
    )
    SELECT count(*) + coalesce(v_count, 0) INTO v_count FROM told;
    RETURN v_count;
END $$;

-- A claim that is refused for its id writes the letter in its own commit, and doesn't carry the message's properties: they are
-- added before the message is acknowledged. So is the body of a doorbell, which should have none.
CREATE FUNCTION moose.complete_letters(
    p_work_orders uuid[], p_bodies bytea[], p_headers text[], p_properties bytea[]
) RETURNS void LANGUAGE sql AS $$
    UPDATE moose.dead_letters d SET headers = i.headers::json, properties = i.properties, body = i.body
    FROM unnest(p_work_orders, p_bodies, p_headers, p_properties) AS i (id, body, headers, properties)
    WHERE d.work_order_id = i.id AND d.state = 'dead' AND NOT d.is_order AND d.properties IS NULL
      AND (d.reason = 'id_reused' AND d.body = i.body OR d.reason = 'unknown_work_order')
$$;

CREATE FUNCTION moose.letter_digest(p_body bytea, p_headers text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(p_body || convert_to(p_headers, 'UTF8'))
$$;

-- What the mark of a redrive is sealed with.
CREATE FUNCTION moose.redrive_key(p_letter uuid, p_number integer) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT moose.event_id('redrive ' || p_letter, p_number, 'key')
$$;

-- Takes letters of messages for a redrive, for so long; other redrivers pass them by meanwhile. Each time under a new
-- number, so that a message that comes back is told from a copy of an earlier redrive.
-- p_orders: also those that stand for orders, to publish an edited body as a new order.
CREATE FUNCTION moose.lease_letters(p_lease uuid, p_ids uuid[], p_for interval, p_orders boolean)
RETURNS TABLE (id uuid, number integer, reason text, exchange text, routing_key text, body bytea, headers json,
               properties bytea, cut_size bigint, key uuid)
LANGUAGE sql AS $$
    UPDATE moose.dead_letters d
    SET lease = p_lease, leased_until = now() + p_for, redrive_number = d.redrive_number + 1
    FROM (SELECT x.id FROM moose.dead_letters x
          WHERE x.id = ANY (p_ids) AND x.state = 'dead' AND (p_orders OR NOT x.is_order)
            AND (x.leased_until IS NULL OR x.leased_until < now())
          ORDER BY x.id FOR NO KEY UPDATE SKIP LOCKED) mine
    WHERE d.id = mine.id
    RETURNING d.id, d.redrive_number, d.reason, coalesce(d.exchange, ''), coalesce(d.routing_key, ''), d.body, d.headers,
              d.properties, d.cut_size, moose.redrive_key(d.id, d.redrive_number)
$$;

-- After the confirm: what is still leased under this lease is redriven. What came back meanwhile stays dead, and only its
-- history tells. Returns how many are redriven.
CREATE FUNCTION moose.mark_redriven(p_lease uuid, p_ids uuid[], p_details text[], p_who text, p_why text)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_count integer;
BEGIN
    PERFORM 1 FROM moose.dead_letters d WHERE d.id = ANY (p_ids) ORDER BY d.id FOR NO KEY UPDATE;
    WITH marked AS (
        UPDATE moose.dead_letters d
        SET state = CASE WHEN d.came_back = d.redrive_number THEN 'dead' ELSE 'redriven' END, lease = NULL,
            leased_until = NULL
        WHERE d.id = ANY (p_ids) AND d.lease = p_lease AND d.state = 'dead' RETURNING d.id, d.state
    ), noted AS (
        INSERT INTO moose.dead_letter_history (letter_id, action, who, detail, why)
        SELECT m.id, 'redriven', p_who, i.detail, p_why
        FROM marked m JOIN unnest(p_ids, p_details) AS i (id, detail) ON i.id = m.id
    )
    SELECT count(*) FILTER (WHERE m.state = 'redriven') INTO v_count FROM marked m;
    RETURN v_count;
END $$;

-- Gives back what was not published.
CREATE FUNCTION moose.release_letters(p_lease uuid, p_ids uuid[]) RETURNS void LANGUAGE sql AS $$
    UPDATE moose.dead_letters d SET lease = NULL, leased_until = NULL WHERE d.id = ANY (p_ids) AND d.lease = p_lease
$$;

-- Redrives letters that stand for failed orders: each goes back to pending, with a fresh series of attempts, and its
-- letter closes in the same commit. With an open dependency it is blocked, as when it was new. One whose unique key another
-- holds stays as it is. Returns how many.
CREATE FUNCTION moose.redrive_orders(p_letters uuid[], p_who text, p_why text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_orders uuid[]; v_lanes text[];
    v_count integer;
BEGIN
    PERFORM moose.act_as(p_who, p_why);
    v_orders := ARRAY(
        SELECT w.id FROM moose.work_orders w
        WHERE w.state = 'failed' AND w.id IN (SELECT d.work_order_id FROM moose.dead_letters d
                                              WHERE d.id = ANY (p_letters) AND d.is_order AND d.state = 'dead')
        ORDER BY w.id FOR NO KEY UPDATE);
    -- One that was purged meanwhile stays as it is.
    v_orders := ARRAY(SELECT d.work_order_id FROM moose.dead_letters d
                      WHERE d.work_order_id = ANY (v_orders) AND d.is_order AND d.state = 'dead'
                      ORDER BY d.id FOR NO KEY UPDATE);
    v_orders := ARRAY(SELECT o FROM unnest(v_orders) AS o
                      EXCEPT SELECT h.id FROM moose.hold_unique_keys_again(v_orders) h);
    WITH again AS (
        UPDATE moose.work_orders w
        SET state = CASE WHEN EXISTS (
                SELECT 1 FROM moose.work_order_dependencies d LEFT JOIN moose.work_orders o ON o.id = d.depends_on
                WHERE d.work_order_id = w.id AND o.state IS DISTINCT FROM 'completed') THEN 'blocked' ELSE 'pending' END,
            attempt = 0, worker_losses = 0, unknown_since = NULL, run_at = now(), finished_at = NULL, error = NULL,
            failure_class = NULL, cancel_requested_at = NULL, cancel_who = NULL, cancel_reason = NULL
        WHERE w.id = ANY (v_orders)
        RETURNING w.id, w.lane, w.state
    )
    SELECT count(*), array_agg(a.id) FILTER (WHERE a.state = 'pending'),
           array_agg(a.lane) FILTER (WHERE a.state = 'pending')
    INTO v_count, v_orders, v_lanes FROM again a;
    IF v_orders IS NOT NULL THEN
        PERFORM moose.ring(v_orders, v_lanes, array_fill(now(), ARRAY[cardinality(v_orders)]));
    END IF;
    RETURN v_count;
END $$;

-- Puts letters away. Nothing is deleted; what another is redriving just now stays.
CREATE FUNCTION moose.purge_letters(p_ids uuid[], p_who text, p_why text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_count integer;
BEGIN
    PERFORM 1 FROM moose.dead_letters d WHERE d.id = ANY (p_ids) ORDER BY d.id FOR NO KEY UPDATE;
    WITH purged AS (
        UPDATE moose.dead_letters d SET state = 'purged', lease = NULL, leased_until = NULL
        WHERE d.id = ANY (p_ids) AND d.state = 'dead' AND (d.leased_until IS NULL OR d.leased_until < now())
        RETURNING d.id
    ), noted AS (
        INSERT INTO moose.dead_letter_history (letter_id, action, who, why)
        SELECT p.id, 'purged', p_who, p_why FROM purged p
    )
    SELECT count(*) INTO v_count FROM purged;
    RETURN v_count;
END $$;
