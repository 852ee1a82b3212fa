-- Those of the finished orders that nothing needs any more: nobody who could still wait for them, no escalation that is
-- open, no dead letter to decide about, no hold to settle, no unique key they keep.
CREATE OR REPLACE FUNCTION moose.prunable(p_ids uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT w.id
    FROM unnest(p_ids) AS i (id) JOIN moose.work_orders w ON w.id = ANY (ARRAY[i.id])
    WHERE w.state IN ('completed', 'failed', 'cancelled') AND (w.unique_until IS NULL OR w.unique_until <= now())
      AND NOT EXISTS (SELECT 1 FROM moose.work_order_dependencies d
                      JOIN moose.work_orders b ON b.id = ANY (ARRAY[d.work_order_id])
                      WHERE d.depends_on = ANY (ARRAY[w.id])
                        AND CASE w.state WHEN 'completed' THEN b.state = 'blocked'
                                         ELSE b.state NOT IN ('completed', 'cancelled') END)
      AND NOT EXISTS (SELECT 1 FROM moose.escalation_events v
                      JOIN moose.escalations e ON e.id = ANY (ARRAY[v.escalation_id])
                      WHERE v.work_order_id = ANY (ARRAY[w.id]) AND e.state <> 'resolved')
      AND NOT EXISTS (SELECT 1 FROM moose.dead_letters l WHERE l.work_order_id = ANY (ARRAY[w.id]) AND l.state = 'dead')
      AND NOT EXISTS (SELECT 1 FROM moose.budget_holds h
                      WHERE h.owner = ANY (ARRAY[w.id]) AND h.state IN ('held', 'dispatched'))
$$;

-- Each step below looks at a range of a table's blocks, deletes at most p_limit of its rows, with all that belongs to
-- them, and says which block to ask for next; NULL at the end. Rows that somebody holds are passed by. A dry run only
-- counts.

-- Finished orders with their attempts, dependencies, events and letters. A row of moose.pruned_orders stays of each.
CREATE OR REPLACE FUNCTION moose.prune_orders(
    p_before timestamptz, p_block bigint, p_blocks integer, p_limit integer, p_dry boolean,
    OUT deleted bigint, OUT next_block bigint,
    OUT attempts bigint, OUT events bigint, OUT letters bigint
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
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

-- The rows by which pruned ids are recognised, counted from the end of their orders. One that the books still name
-- stays: an order that came again under it would take holds and post entries of the same name.
CREATE OR REPLACE FUNCTION moose.prune_ids(
    p_before timestamptz, p_block bigint, p_blocks integer, p_limit integer, p_dry boolean,
    OUT deleted bigint, OUT next_block bigint
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    v_rows tid[] := ARRAY(
        SELECT p.ctid FROM moose.pruned_orders p
        WHERE p.ctid >= format('(%s,0)', p_block)::tid AND p.ctid < format('(%s,0)', p_block + p_blocks)::tid
          AND p.ended_at < p_before
          AND NOT EXISTS (SELECT 1 FROM moose.budget_holds h WHERE h.owner = ANY (ARRAY[p.id]))
          AND NOT EXISTS (SELECT 1 FROM moose.cost_tracking c WHERE c.owner = ANY (ARRAY[p.id]))
        LIMIT CASE WHEN NOT p_dry THEN p_limit END FOR UPDATE OF p SKIP LOCKED);
BEGIN
    deleted := cardinality(v_rows);
    IF NOT p_dry THEN DELETE FROM moose.pruned_orders p WHERE p.ctid = ANY (v_rows); END IF;
    next_block := moose.next_block('moose.pruned_orders',
                                   p_block + CASE WHEN deleted >= p_limit AND NOT p_dry THEN 0 ELSE p_blocks END);
END $$;
