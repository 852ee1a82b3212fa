-- Whatever makes an order blocked, or ends that, and whatever ends one badly, is noted here: by a claim, a cancel, a
-- retry or a hand in psql.
CREATE OR REPLACE FUNCTION moose.follow_dependencies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'blocked' THEN
        -- A new order has no dependencies yet: its claim says where it waits.
        INSERT INTO moose.dependency_waits (work_order_id, number, at)
        VALUES (NEW.id, 0, coalesce(
            (SELECT d.depends_on
             FROM (SELECT x.depends_on FROM moose.work_order_dependencies x
                   WHERE x.work_order_id = NEW.id ORDER BY x.depends_on LIMIT 100) d
             LEFT JOIN moose.work_orders w ON w.id = ANY (ARRAY[d.depends_on])
             WHERE w.state IS DISTINCT FROM 'completed' ORDER BY d.depends_on LIMIT 1),
            '00000000-0000-0000-0000-000000000000'))
        ON CONFLICT DO NOTHING;
    ELSIF TG_OP = 'UPDATE' AND OLD.state = 'blocked' THEN
        DELETE FROM moose.dependency_waits y WHERE y.work_order_id = NEW.id;
    END IF;
    IF NEW.state IN ('failed', 'cancelled') THEN
        IF EXISTS (SELECT 1 FROM moose.work_order_dependencies d WHERE d.depends_on = NEW.id) THEN
            INSERT INTO moose.broken_dependencies (broken, waiting) VALUES (NEW.id, NEW.id) ON CONFLICT DO NOTHING;
        END IF;
    ELSIF TG_OP = 'UPDATE' AND OLD.state = 'failed' THEN
        -- It is tried again; should it end badly once more, that is news.
        DELETE FROM moose.broken_dependencies b WHERE b.broken = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER work_orders_born_waiting AFTER INSERT ON moose.work_orders
    FOR EACH ROW WHEN (NEW.state IN ('blocked', 'failed', 'cancelled')) EXECUTE FUNCTION moose.follow_dependencies();
CREATE OR REPLACE TRIGGER work_orders_waiting_changed AFTER UPDATE ON moose.work_orders
    FOR EACH ROW WHEN (OLD.state <> NEW.state
                       AND (NEW.state IN ('blocked', 'failed', 'cancelled') OR OLD.state IN ('blocked', 'failed')))
    EXECUTE FUNCTION moose.follow_dependencies();
