-- The relay takes what is due for 30 s; it publishes without a transaction open, then deletes what was confirmed.
-- p_skip: destinations that are busy or take nothing now, as exchange, line feed, routing key. However many are due,
-- their bodies are 16 MB together, or it is one.
CREATE OR REPLACE FUNCTION moose.lease_messages(p_lease uuid, p_limit integer, p_skip text[])
RETURNS TABLE (id uuid, exchange text, routing_key text, type text, correlation_id text,
               app_id text, reply_to text, traceparent text, body bytea, lag_seconds double precision)
LANGUAGE sql
-- A limit that isn't known when it is planned counts as a tenth of the table, and then the whole outbox is read for
-- each batch.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    UPDATE moose.outbox o SET lease = p_lease, leased_until = now() + interval '30 seconds'
    FROM (SELECT due.id, sum(due.size) OVER (ORDER BY due.due_at, due.id) - due.size AS before
          FROM (SELECT x.id, x.due_at, octet_length(x.body) AS size FROM moose.outbox x
                WHERE x.due_at <= now() AND (x.leased_until IS NULL OR x.leased_until < now())
                  AND (p_skip = '{}' OR NOT x.exchange || E'\n' || x.routing_key = ANY (p_skip))
                ORDER BY x.due_at LIMIT p_limit FOR UPDATE SKIP LOCKED) due) mine
    WHERE o.id = ANY (ARRAY[mine.id]) AND mine.before < 16000000
    RETURNING o.id, o.exchange, o.routing_key, o.type, o.correlation_id, o.app_id, o.reply_to,
              o.traceparent, o.body, extract(epoch FROM now() - o.due_at)::double precision
$$;
DROP FUNCTION IF EXISTS moose.lease_outbox(uuid, integer, text[]);

-- Deletes what was confirmed and gives back what was not sent through no fault of its own, unless it was leased
-- again meanwhile (then its lease is no longer the same). A row that somebody holds just now is passed by: no waiting,
-- and no deadlock. Returns those that are still leased so, to be settled later.
CREATE OR REPLACE FUNCTION moose.settle_outbox(p_ids uuid[], p_leases uuid[], p_are_confirmed boolean[]) RETURNS uuid[]
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    v_mine uuid[]; v_confirmed boolean[];
BEGIN
    SELECT array_agg(m.id), array_agg(m.is_confirmed) INTO v_mine, v_confirmed
    FROM (SELECT i.id, i.is_confirmed FROM unnest(p_ids, p_leases, p_are_confirmed) AS i (id, lease, is_confirmed)
          JOIN moose.outbox x ON x.id = ANY (ARRAY[i.id]) AND x.lease = i.lease
          FOR UPDATE OF x SKIP LOCKED) m;
    DELETE FROM moose.outbox o
    WHERE o.id = ANY (ARRAY(SELECT m.id FROM unnest(v_mine, v_confirmed) AS m (id, yes) WHERE m.yes));
    UPDATE moose.outbox o SET lease = NULL, leased_until = NULL
    WHERE o.id = ANY (ARRAY(SELECT m.id FROM unnest(v_mine, v_confirmed) AS m (id, yes) WHERE NOT m.yes));
    IF cardinality(v_mine) = cardinality(p_ids) THEN RETURN '{}'; END IF;
    RETURN ARRAY(SELECT i.id FROM unnest(p_ids, p_leases) AS i (id, lease)
                 JOIN moose.outbox x ON x.id = ANY (ARRAY[i.id]) AND x.lease = i.lease);
END $$;
DROP FUNCTION IF EXISTS moose.delete_outbox(uuid[], uuid[]);
DROP FUNCTION IF EXISTS moose.release_outbox(uuid[], uuid[]);

-- What the broker refused for what it is: later again, with a growing wait of at most 5 minutes; after ten times, or at
-- once where it can never pass, a dead letter with its error event. What goes to an exchange of Moose itself, which an
-- operator can bring back, stays: that is told once an hour. p_final NULL: it was refused alone, where others passed;
-- then also what goes to Moose's own exchanges becomes a dead letter after ten times.
CREATE OR REPLACE FUNCTION moose.refuse_outbox(p_ids uuid[], p_leases uuid[], p_errors text[], p_final boolean[])
RETURNS integer LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    v_refused uuid[];
    v_buried uuid[];
BEGIN
    WITH refused AS (
        UPDATE moose.outbox o
        SET refusals = o.refusals + 1, lease = NULL, leased_until = NULL,
            due_at = now() + least(300, 2 ^ least(o.refusals, 9)) * (0.5 + random() / 2) * interval '1 second'
        FROM unnest(p_ids, p_leases) AS i (id, lease) WHERE o.id = ANY (ARRAY[i.id]) AND o.lease = i.lease
        RETURNING o.id)
    SELECT array_agg(r.id) INTO v_refused FROM refused r;

    v_buried := ARRAY(
        SELECT o.id FROM moose.outbox o JOIN unnest(p_ids, p_final) AS i (id, final) ON o.id = ANY (ARRAY[i.id])
        WHERE o.id = ANY (v_refused)
          AND (i.final OR o.refusals >= 10 AND (i.final IS NULL OR o.exchange NOT LIKE 'moose.%')));
    IF v_buried <> '{}' THEN
        PERFORM moose.bury_batch(
            array_agg('unpublishable'::text),
            array_agg(format('the relay could not publish it (tries: %s): %s', o.refusals, i.error)),
            array_agg(CASE o.type WHEN 'moose.work-order.v1' THEN o.id END), array_agg(NULL::text),
            array_agg(CASE o.exchange WHEN 'moose.work' THEN o.routing_key END), array_agg(o.exchange),
            array_agg(o.routing_key), array_agg(o.body),
            array_agg(jsonb_strip_nulls(jsonb_build_object(
                'message_id', o.id, 'type', o.type, 'correlation_id', o.correlation_id, 'app_id', o.app_id,
                'reply_to', o.reply_to, 'header.traceparent', o.traceparent))::text), array_agg(false))
        FROM moose.outbox o JOIN unnest(p_ids, p_errors) AS i (id, error) ON o.id = ANY (ARRAY[i.id])
        WHERE o.id = ANY (v_buried);
        DELETE FROM moose.outbox o WHERE o.id = ANY (v_buried);
    END IF;
    PERFORM moose.report(
        moose.event_id('exchange ' || t.exchange, extract(epoch FROM date_trunc('hour', now()))::bigint, 'refused'),
        'relay', 'publish', 'critical',
        format('the broker refuses messages to the exchange %s: %s; they wait in the outbox', t.exchange, t.error),
        NULL, 'infrastructure', jsonb_build_object('exchange', t.exchange))
    FROM (SELECT o.exchange, min(i.error) AS error
          FROM moose.outbox o JOIN unnest(p_ids, p_errors) AS i (id, error) ON o.id = ANY (ARRAY[i.id])
          WHERE o.id = ANY (v_refused) AND o.refusals >= 10 GROUP BY 1) t;
    RETURN coalesce(cardinality(v_buried), 0);
END $$;

-- Seconds until the next row becomes due; NULL when none will.
CREATE OR REPLACE FUNCTION moose.outbox_wait() RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT extract(epoch FROM min(o.due_at) - now())::double precision FROM moose.outbox o
    WHERE o.due_at > now() AND o.due_at < 'infinity'
$$;

-- A message of the outbox that can neither be sent nor buried: kept by its bytes, so that the relay never meets it
-- again.
CREATE OR REPLACE FUNCTION moose.set_aside_outbox(p_id uuid, p_lease uuid, p_sqlstate text) RETURNS void
LANGUAGE sql AS $$
    WITH gone AS (
        DELETE FROM moose.outbox o WHERE o.id = p_id AND o.lease = p_lease
        RETURNING o.id, o.body
    )
    SELECT moose.keep_bytes('unpublishable', g.id, NULL, g.body, octet_length(g.body), p_sqlstate) FROM gone g
$$;
