-- Rings for work orders at given times. One doorbell a work order: an earlier time wins, and one that is just being
-- published (leased) is rung again rather than lost with its confirm.
CREATE OR REPLACE FUNCTION moose.ring(p_ids uuid[], p_lanes text[], p_due timestamptz[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO moose.outbox AS o (doorbell_for, exchange, routing_key, type, due_at)
    SELECT id, 'moose.work', lane, 'moose.doorbell.v1', due
    FROM unnest(p_ids, p_lanes, p_due) AS i (id, lane, due)
    ORDER BY id
    ON CONFLICT (doorbell_for) WHERE doorbell_for IS NOT NULL DO UPDATE
    SET due_at = CASE WHEN o.lease IS NULL THEN least(o.due_at, excluded.due_at) ELSE excluded.due_at END,
        routing_key = excluded.routing_key, lease = NULL, leased_until = NULL
$$;
