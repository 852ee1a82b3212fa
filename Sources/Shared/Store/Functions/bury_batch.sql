-- Messages nobody can use: a dead letter and its error event each, in one commit. Written once, however often the
-- broker delivers them: one with an id is the one of that id that lies there dead; of those without, a redelivery takes
-- the place of one equal letter that has seen fewer deliveries, so that of two equal messages both are kept. A redriven
-- message that died again opens its own letter again.
CREATE OR REPLACE FUNCTION moose.bury_batch(
    p_reasons text[], p_explanations text[], p_work_orders uuid[], p_kinds text[], p_lanes text[],
    p_exchanges text[], p_routing_keys text[], p_bodies bytea[], p_headers text[], p_redelivered boolean[],
    p_deliveries integer[] DEFAULT NULL, p_queues text[] DEFAULT NULL, p_deaths bigint[] DEFAULT NULL,
    p_died_at timestamptz[] DEFAULT NULL, p_redrive_of uuid[] DEFAULT NULL, p_redrive_numbers integer[] DEFAULT NULL,
    p_properties bytea[] DEFAULT NULL, p_digests bytea[] DEFAULT NULL, p_cut_sizes bigint[] DEFAULT NULL,
    p_cut_sha256 bytea[] DEFAULT NULL, p_redrive_seals bytea[] DEFAULT NULL
) RETURNS integer LANGUAGE plpgsql SET enable_seqscan = off AS $$
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
                       WHERE NOT EXISTS (SELECT 1 FROM moose.dead_letters d
                                         WHERE d.id = ANY (ARRAY[p_redrive_of[n]]))
                       ORDER BY n);
        WITH back AS (
            UPDATE moose.dead_letters d
            SET state = 'dead', is_order = false, came_back = p_redrive_numbers[b.n], leased_until = NULL,
                reason = p_reasons[b.n], explanation = p_explanations[b.n], kind = p_kinds[b.n], lane = p_lanes[b.n],
                exchange = p_exchanges[b.n], routing_key = p_routing_keys[b.n], queue = p_queues[b.n],
                body = p_bodies[b.n], digest = v_digests[b.n], headers = p_headers[b.n]::json,
                properties = p_properties[b.n], cut_size = p_cut_sizes[b.n], cut_sha256 = p_cut_sha256[b.n],
                deaths = p_deaths[b.n], died_at = p_died_at[b.n]
            FROM (SELECT DISTINCT ON (p_redrive_of[n]) n FROM generate_subscripts(p_reasons, 1) AS n
                  WHERE p_redrive_of[n] IS NOT NULL ORDER BY p_redrive_of[n], p_redrive_numbers[n] DESC) b
            WHERE d.id = ANY (ARRAY[p_redrive_of[b.n]]) AND d.state <> 'purged'
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
            WHERE x.digest = ANY (ARRAY[i.digest]) AND x.reason = p_reasons[i.n] AND x.state = 'dead'
              AND NOT x.is_order)
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
               v_digests[n], p_headers[n]::json, p_properties[n], p_deaths[n], p_died_at[n], p_redelivered[n],
               CASE WHEN p_redelivered[n] THEN greatest(1, p_deliveries[n]) ELSE 0 END
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

-- A claim that is refused for its id writes the letter in its own commit, and doesn't carry the message's properties:
-- they are added before the message is acknowledged. So is the body of what names
-- an order by its id alone, which should have none.
CREATE OR REPLACE FUNCTION moose.complete_letters(
    p_work_orders uuid[], p_bodies bytea[], p_headers text[], p_properties bytea[]
) RETURNS void LANGUAGE sql SET enable_seqscan = off AS $$
    UPDATE moose.dead_letters d SET headers = i.headers::json, properties = i.properties, body = i.body
    FROM unnest(p_work_orders, p_bodies, p_headers, p_properties) AS i (id, body, headers, properties)
    WHERE d.work_order_id = ANY (ARRAY[i.id]) AND d.state = 'dead' AND NOT d.is_order AND d.properties IS NULL
      AND (d.reason = 'id_reused' AND d.body = i.body OR d.reason = 'unknown_work_order')
$$;

CREATE OR REPLACE FUNCTION moose.letter_digest(p_body bytea, p_headers text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(p_body || convert_to(p_headers, 'UTF8'))
$$;

-- What the mark of a redrive is sealed with.
CREATE OR REPLACE FUNCTION moose.redrive_key(p_letter uuid, p_number integer) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT moose.event_id('redrive ' || p_letter, p_number, 'key')
$$;
