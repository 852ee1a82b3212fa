-- Takes the daily run if it is due and nobody else is at it, or goes on with it.
CREATE OR REPLACE FUNCTION moose.take_retention(p_lease uuid, p_for interval) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE moose.retention r SET lease = p_lease, leased_until = now() + p_for
    WHERE r.lease = p_lease OR r.due_at <= now() AND (r.leased_until IS NULL OR r.leased_until < now());
    RETURN FOUND;
END $$;

-- Ends the run, a day before the next. What it deleted is audited.
CREATE OR REPLACE FUNCTION moose.end_retention(p_lease uuid, p_counts jsonb, p_who text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE moose.retention r
    SET due_at = now() + interval '1 day', lease = NULL, leased_until = NULL, finished_at = now(), counts = p_counts
    WHERE r.lease = p_lease;
    PERFORM moose.record_prune(p_counts, p_who);
END $$;

CREATE OR REPLACE FUNCTION moose.record_prune(p_counts jsonb, p_who text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO moose.audit_log (who, action, subject, after)
    SELECT p_who, 'prune', 'retention', p_counts
    WHERE EXISTS (SELECT 1 FROM jsonb_each(p_counts) AS c WHERE c.value <> '0')
$$;
