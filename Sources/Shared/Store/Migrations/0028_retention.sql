-- Retention: what is finished and old goes, in short steps that nothing waits for. Ids go on being recognised for a time
-- of their own, from one small row each.

-- Orders that are gone. An id that comes again is still no new order.
CREATE TABLE moose.pruned_orders (
    id        uuid PRIMARY KEY,
    -- Of the body, as in work_orders; empty where the order was cancelled before its message came.
    digest    bytea NOT NULL,
    state     text NOT NULL,
    ended_at  timestamptz NOT NULL,
    pruned_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- The daily run: one process at a time, for as long as it renews its lease.
CREATE TABLE moose.retention (
    only_one     boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    due_at       timestamptz NOT NULL,
    lease        uuid,
    leased_until timestamptz,
    finished_at  timestamptz,
    counts       jsonb
);
INSERT INTO moose.retention (due_at) VALUES (now() + interval '1 hour');

-- Those of the ids that were pruned. The settings keep the look-up at one probe an id, however the table has grown since
-- the plan was made.
CREATE FUNCTION moose.find_pruned(p_ids uuid[])
RETURNS TABLE (id uuid, digest bytea, state text, ended_at timestamptz, pruned_at timestamptz)
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT p.id, p.digest, p.state, p.ended_at, p.pruned_at
    FROM (SELECT DISTINCT i FROM unnest(p_ids) AS i) AS x (id) JOIN moose.pruned_orders p ON p.id = x.id
$$;

-- Takes new rows of a claim away again whose ids were pruned; returns those. Looked for after the insert, which waits for
-- a prune of the same id to commit.
CREATE FUNCTION moose.take_back_pruned(p_ids uuid[]) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    v_ids uuid[] := ARRAY(SELECT f.id FROM moose.find_pruned(p_ids) f);
BEGIN
    DELETE FROM moose.work_orders w WHERE w.id = ANY (v_ids);
    RETURN v_ids;
END $$;

-- Those of the finished orders that nothing needs any more: nobody who could still wait for them, no escalation that is
-- open, no dead letter to decide about, no hold to settle, no unique key they keep.
CREATE FUNCTION moose.prunable(p_ids uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT w.id
    FROM unnest(p_ids) AS i (id) JOIN moose.work_orders w ON w.id = i.id
    WHERE w.state IN ('completed', 'failed', 'cancelled') AND (w.unique_until IS NULL OR w.unique_until <= now())
      AND NOT EXISTS (SELECT 1 FROM moose.work_order_dependencies d JOIN moose.work_orders b ON b.id = d.work_order_id
                      WHERE d.depends_on = w.id
                        AND CASE w.state WHEN 'completed' THEN b.state = 'blocked'
                                         ELSE b.state NOT IN ('completed', 'cancelled') END)
      AND NOT EXISTS (SELECT 1 FROM moose.escalation_events v JOIN moose.escalations e ON e.id = v.escalation_id
                      WHERE v.work_order_id = w.id AND e.state <> 'resolved')
      AND NOT EXISTS (SELECT 1 FROM moose.dead_letters l WHERE l.work_order_id = w.id AND l.state = 'dead')
      AND NOT EXISTS (SELECT 1 FROM moose.budget_holds h WHERE h.owner = w.id AND h.state IN ('held', 'dispatched'))
$$;

-- Each step below looks at a range of a table's blocks, deletes at most p_limit of its rows, with all that belongs to them, and
-- says which block to ask for next; NULL at the end. Rows that somebody holds are passed by. A dry run only counts.

-- Finished orders with their attempts, dependencies, events and letters. A row of moose.pruned_orders stays of each.
CREATE FUNCTION moose.prune_orders(p_before timestamptz, p_block bigint, p_blocks integer, p_limit integer, p_dry boolean,
                                   OUT deleted bigint, OUT next_block bigint,
                                   OUT attempts bigint, OUT events bigint, OUT letters bigint) LANGUAGE plpgsql AS $$
DECLARE
    v_ids uuid[] := ARRAY(
        SELECT w.id FROM moose.work_orders w
        WHERE w.ctid >= format('(%s,0)', p_block)::tid AND w.ctid < format('(%s,0)', p_block + p_blocks)::tid
          AND w.state IN ('completed', 'failed', 'cancelled') AND coalesce(w.finished_at, w.created_at) < p_before);
    v_letters uuid[];
    v_full boolean := false;
BEGIN
    attempts := 0; events := 0; letters := 0;
    IF p_dry THEN
        v_ids := ARRAY(SELECT * FROM moose.prunable(v_ids));
        deleted := cardinality(v_ids);
        attempts := (SELECT count(*) FROM moose.outcome_vectors v WHERE v.work_order_id = ANY (v_ids));
        events := (SELECT count(*) FROM moose.escalation_events v WHERE v.work_order_id = ANY (v_ids));
        letters := (SELECT count(*) FROM moose.dead_letters l WHERE l.work_order_id = ANY (v_ids));
        next_block := moose.next_block('moose.work_orders', p_block + p_blocks);
        RETURN;
    END IF;

    v_ids := ARRAY(SELECT * FROM moose.prunable(v_ids) LIMIT p_limit);
    v_full := cardinality(v_ids) >= p_limit;
    v_ids := ARRAY(SELECT w.id FROM moose.work_orders w WHERE w.id = ANY (v_ids) FOR UPDATE SKIP LOCKED);
    -- Judged again under the lock: a claim that named one of them may have committed since the look.
    v_ids := ARRAY(SELECT * FROM moose.prunable(v_ids));

    INSERT INTO moose.pruned_orders (id, digest, state, ended_at)
    SELECT w.id, w.digest, w.state, coalesce(w.finished_at, w.created_at)
    FROM moose.work_orders w WHERE w.id = ANY (v_ids)
    ON CONFLICT (id) DO UPDATE
    SET digest = excluded.digest, state = excluded.state, ended_at = excluded.ended_at, pruned_at = now();
    DELETE FROM moose.outcome_vectors v WHERE v.work_order_id = ANY (v_ids);
    GET DIAGNOSTICS attempts = ROW_COUNT;
    DELETE FROM moose.escalation_events v WHERE v.work_order_id = ANY (v_ids);
    GET DIAGNOSTICS events = ROW_COUNT;
    v_letters := ARRAY(SELECT l.id FROM moose.dead_letters l WHERE l.work_order_id = ANY (v_ids));
    IF v_letters <> '{}' THEN
        DELETE FROM moose.dead_letter_history h WHERE h.letter_id = ANY (v_letters);
        DELETE FROM moose.dead_letters l WHERE l.id = ANY (v_letters);
        letters := cardinality(v_letters);
    END IF;
    -- What those that ended needed of these, they had.
    DELETE FROM moose.work_order_dependencies d WHERE d.depends_on = ANY (v_ids);
    DELETE FROM moose.work_orders w WHERE w.id = ANY (v_ids);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    next_block := moose.next_block('moose.work_orders', p_block + CASE WHEN v_full THEN 0 ELSE p_blocks END);
END $$;

-- The rows by which pruned ids are recognised, counted from the end of their orders. One that the books still name stays:
-- an order that came again under it would take holds and post entries of the same name.
CREATE FUNCTION moose.prune_ids(p_before timestamptz, p_block bigint, p_blocks integer, p_limit integer, p_dry boolean,
                                OUT deleted bigint, OUT next_block bigint) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_rows tid[] := ARRAY(
        SELECT p.ctid FROM moose.pruned_orders p
        WHERE p.ctid >= format('(%s,0)', p_block)::tid AND p.ctid < format('(%s,0)', p_block + p_blocks)::tid
          AND p.ended_at < p_before
          AND NOT EXISTS (SELECT 1 FROM moose.budget_holds h WHERE h.owner = p.id)
          AND NOT EXISTS (SELECT 1 FROM moose.cost_tracking c WHERE c.owner = p.id)
        LIMIT CASE WHEN NOT p_dry THEN p_limit END FOR UPDATE OF p SKIP LOCKED);
BEGIN
    deleted := cardinality(v_rows);
    IF NOT p_dry THEN DELETE FROM moose.pruned_orders p WHERE p.ctid = ANY (v_rows); END IF;
    next_block := moose.next_block('moose.pruned_orders',
                                   p_block + CASE WHEN deleted >= p_limit AND NOT p_dry THEN 0 ELSE p_blocks END);
END $$;

-- Letters of messages that were redriven or purged. Those of orders go with their orders.
CREATE FUNCTION moose.prune_letters(p_before timestamptz, p_block bigint, p_blocks integer, p_limit integer, p_dry boolean,
                                    OUT deleted bigint, OUT next_block bigint) LANGUAGE plpgsql AS $$
DECLARE
    v_ids uuid[] := ARRAY(
        SELECT l.id FROM moose.dead_letters l
        WHERE l.ctid >= format('(%s,0)', p_block)::tid AND l.ctid < format('(%s,0)', p_block + p_blocks)::tid
          AND l.state IN ('redriven', 'purged') AND l.created_at < p_before
          AND NOT EXISTS (SELECT 1 FROM moose.dead_letter_history h WHERE h.letter_id = l.id AND h.at >= p_before)
          AND NOT EXISTS (SELECT 1 FROM moose.work_orders w WHERE w.id = l.work_order_id)
        LIMIT CASE WHEN NOT p_dry THEN p_limit END FOR UPDATE SKIP LOCKED);
BEGIN
    deleted := cardinality(v_ids);
    IF NOT p_dry THEN
        DELETE FROM moose.dead_letter_history h WHERE h.letter_id = ANY (v_ids);
        DELETE FROM moose.dead_letters l WHERE l.id = ANY (v_ids);
    END IF;
    next_block := moose.next_block('moose.dead_letters',
                                   p_block + CASE WHEN deleted >= p_limit AND NOT p_dry THEN 0 ELSE p_blocks END);
END $$;

-- Escalations that are resolved, with their events: the events first, so that one with a million of them goes in steps too.
CREATE FUNCTION moose.prune_escalations(p_before timestamptz, p_block bigint, p_blocks integer, p_limit integer,
                                        p_dry boolean, OUT deleted bigint, OUT next_block bigint, OUT events bigint)
LANGUAGE plpgsql AS $$
DECLARE
    v_ids uuid[] := ARRAY(
        SELECT e.id FROM moose.escalations e
        WHERE e.ctid >= format('(%s,0)', p_block)::tid AND e.ctid < format('(%s,0)', p_block + p_blocks)::tid
          AND e.state = 'resolved' AND e.last_seen < p_before
        LIMIT CASE WHEN NOT p_dry THEN p_limit END FOR UPDATE SKIP LOCKED);
    v_full boolean := false;
BEGIN
    IF p_dry THEN
        deleted := cardinality(v_ids);
        events := (SELECT count(*) FROM moose.escalation_events v WHERE v.escalation_id = ANY (v_ids));
    ELSE
        DELETE FROM moose.escalation_events v WHERE v.event_id IN (
            SELECT x.event_id FROM moose.escalation_events x WHERE x.escalation_id = ANY (v_ids) LIMIT p_limit);
        GET DIAGNOSTICS events = ROW_COUNT;
        DELETE FROM moose.escalations e
        WHERE e.id = ANY (v_ids) AND NOT EXISTS (SELECT 1 FROM moose.escalation_events v WHERE v.escalation_id = e.id);
        GET DIAGNOSTICS deleted = ROW_COUNT;
        v_full := events >= p_limit OR cardinality(v_ids) >= p_limit;
    END IF;
    next_block := moose.next_block('moose.escalations', p_block + CASE WHEN v_full THEN 0 ELSE p_blocks END);
END $$;

-- What CI said and which of its webhooks came. Its oldest rows first, so that no range of blocks is needed.
CREATE FUNCTION moose.prune_webhooks(p_before timestamptz, p_limit integer, p_dry boolean,
                                     OUT deleted bigint, OUT next_block bigint) LANGUAGE plpgsql AS $$
DECLARE
    v_runs bigint;
BEGIN
    IF p_dry THEN
        deleted := (SELECT count(*) FROM moose.sentinel_deliveries d WHERE d.received_at < p_before)
                   + (SELECT count(*) FROM moose.workflow_runs r WHERE r.received_at < p_before AND r.state <> 'waiting');
        RETURN;
    END IF;
    DELETE FROM moose.sentinel_deliveries d WHERE d.delivery_id IN (
        SELECT x.delivery_id FROM moose.sentinel_deliveries x WHERE x.received_at < p_before
        ORDER BY x.received_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    DELETE FROM moose.workflow_runs r WHERE r.ctid = ANY (ARRAY(
        SELECT x.ctid FROM moose.workflow_runs x WHERE x.received_at < p_before AND x.state <> 'waiting'
        ORDER BY x.received_at LIMIT p_limit FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS v_runs = ROW_COUNT;
    next_block := CASE WHEN greatest(deleted, v_runs) >= p_limit THEN 0 END;
    deleted := deleted + v_runs;
END $$;

-- What operators did. Its ids rise with time, so the oldest are the first.
CREATE FUNCTION moose.prune_audit(p_before timestamptz, p_limit integer, p_dry boolean,
                                  OUT deleted bigint, OUT next_block bigint) LANGUAGE plpgsql AS $$
BEGIN
    IF p_dry THEN
        deleted := (SELECT count(*) FROM moose.audit_log a WHERE a.at < p_before);
        RETURN;
    END IF;
    DELETE FROM moose.audit_log a WHERE a.id IN (
        SELECT x.id FROM (SELECT o.id, o.at FROM moose.audit_log o ORDER BY o.id LIMIT p_limit FOR UPDATE SKIP LOCKED) x
        WHERE x.at < p_before);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    next_block := CASE WHEN deleted >= p_limit THEN 0 END;
END $$;

-- The block, unless the table ends before it.
CREATE FUNCTION moose.next_block(p_table regclass, p_block bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT CASE WHEN p_block < moose.blocks_of(p_table) THEN p_block END
$$;

-- Takes the daily run if it is due and nobody else is at it, or goes on with it.
CREATE FUNCTION moose.take_retention(p_lease uuid, p_for interval) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE moose.retention r SET lease = p_lease, leased_until = now() + p_for
    WHERE r.lease = p_lease OR r.due_at <= now() AND (r.leased_until IS NULL OR r.leased_until < now());
    RETURN FOUND;
END $$;

-- Ends the run, a day before the next. What it deleted is audited.
CREATE FUNCTION moose.end_retention(p_lease uuid, p_counts jsonb, p_who text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE moose.retention r
    SET due_at = now() + interval '1 day', lease = NULL, leased_until = NULL, finished_at = now(), counts = p_counts
    WHERE r.lease = p_lease;
    PERFORM moose.record_prune(p_counts, p_who);
END $$;

CREATE FUNCTION moose.record_prune(p_counts jsonb, p_who text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO moose.audit_log (who, action, subject, after)
    SELECT p_who, 'prune', 'retention', p_counts
    WHERE EXISTS (SELECT 1 FROM jsonb_each(p_counts) AS c WHERE c.value <> '0')
$$;
