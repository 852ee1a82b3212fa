-- Those that could go on: an order of a paused lane stands in no other's way, and keeps no place.
CREATE OR REPLACE VIEW moose.ready_waits AS
    SELECT y.work_order_id, y.gate, y.since, y.rung_at
    FROM moose.gate_waits y JOIN moose.work_orders w ON w.id = ANY (ARRAY[y.work_order_id])
    WHERE NOT EXISTS (SELECT 1 FROM moose.lanes l WHERE l.name = w.lane AND l.paused_at IS NOT NULL);
