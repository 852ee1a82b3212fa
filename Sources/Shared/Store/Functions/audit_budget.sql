-- What an operator does to budgets. Each change is audited by a trigger, also one made by hand in psql; say who and
-- why with set_config('moose.who', ..., true) and set_config('moose.reason', ..., true).

CREATE OR REPLACE FUNCTION moose.audit_budget() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    v_after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    v_row jsonb := coalesce(v_after, v_before);
BEGIN
    IF v_before - 'updated_at' IS NOT DISTINCT FROM v_after - 'updated_at' THEN RETURN NULL; END IF;
    INSERT INTO moose.audit_log (who, action, subject, before, after, reason)
    VALUES (coalesce(nullif(current_setting('moose.who', true), ''), session_user),
            TG_ARGV[0] || ' ' || lower(TG_OP),
            CASE WHEN v_row ? 'scope' THEN (v_row ->> 'scope') || ' ' || (v_row ->> 'name')
                 ELSE 'agent ' || (v_row ->> 'agent') END,
            v_before, v_after, nullif(current_setting('moose.reason', true), ''));
    IF TG_TABLE_NAME = 'budget_freezes' AND TG_OP = 'DELETE' THEN
        -- The next freeze is news again.
        UPDATE moose.budget_buckets b SET reported = array_remove(b.reported, 'frozen')
        FROM moose.budget_policies p
        WHERE p.scope = OLD.scope AND p.name = OLD.name AND b.policy_id = p.id AND 'frozen' = ANY (b.reported);
    END IF;
    IF TG_TABLE_NAME = 'budget_policies' AND TG_OP = 'UPDATE' THEN
        -- Other limits: what is crossed from now on is news again.
        UPDATE moose.budget_buckets b SET reported = '{}'
        WHERE b.policy_id = NEW.id AND now() >= b.window_start AND now() < b.window_end AND b.reported <> '{}';
        PERFORM moose.report_marks(ARRAY(
            SELECT b.id FROM moose.budget_buckets b
            WHERE b.policy_id = NEW.id AND now() >= b.window_start AND now() < b.window_end));
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER budget_policies_audit AFTER INSERT OR UPDATE OR DELETE ON moose.budget_policies
    FOR EACH ROW EXECUTE FUNCTION moose.audit_budget('budget');
CREATE OR REPLACE TRIGGER budget_freezes_audit AFTER INSERT OR UPDATE OR DELETE ON moose.budget_freezes
    FOR EACH ROW EXECUTE FUNCTION moose.audit_budget('freeze');
CREATE OR REPLACE TRIGGER budget_exempt_agents_audit AFTER INSERT OR UPDATE OR DELETE ON moose.budget_exempt_agents
    FOR EACH ROW EXECUTE FUNCTION moose.audit_budget('exemption');

-- Says who acts and why, for the rest of the transaction.
CREATE OR REPLACE FUNCTION moose.act_as(p_who text, p_reason text) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('moose.who', p_who, true), set_config('moose.reason', coalesce(p_reason, ''), true)
$$;
