-- The backlog: whatever has been published and can't start yet is registered, and free slots take it from here.

-- 9 is taken first. As on the broker, what says nothing has 0.
ALTER TABLE moose.work_orders ADD COLUMN priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 9);

-- due: from when it may be taken, and its place in the line; NULL: something else has to happen first (money, a
-- dependency, a gate). rank: 9 less the priority, so that the line ascends. project: '' where it has none.
ALTER TABLE moose.waiting ADD COLUMN due timestamptz;
ALTER TABLE moose.waiting ADD COLUMN rank smallint NOT NULL DEFAULT 9;
ALTER TABLE moose.waiting ADD COLUMN project text NOT NULL DEFAULT '' CHECK (octet_length(project) <= 800);
UPDATE moose.waiting x SET project = coalesce(w.project, ''), due = CASE
    WHEN x.state IN ('scheduled', 'pending', 'retrying')
         AND NOT EXISTS (SELECT 1 FROM moose.gate_waits y WHERE y.work_order_id = x.id AND y.rung_at IS NULL)
    THEN x.run_at END
FROM moose.work_orders w WHERE w.id = x.id;
DROP INDEX moose.waiting_line;
CREATE INDEX waiting_take ON moose.waiting (lane, rank, project, due, id) WHERE due IS NOT NULL;
-- What a lane has due first. In an order of its own, so that only who asks by that is planned by it, and never who
-- takes the next.
CREATE INDEX waiting_due ON moose.waiting (lane COLLATE "C", due);

-- Nothing rings through the broker any more.
DELETE FROM moose.outbox WHERE doorbell_for IS NOT NULL;
DROP INDEX moose.outbox_doorbell;
ALTER TABLE moose.outbox DROP COLUMN doorbell_for;
