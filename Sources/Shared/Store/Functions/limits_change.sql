-- A change of limits waits for the reservations under way, so that after its commit none is granted under the old ones.
-- Don't keep such a transaction open: no reservation is made meanwhile.
CREATE OR REPLACE FUNCTION moose.hold_reservations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE moose.limits_lock IN EXCLUSIVE MODE;
    UPDATE moose.budget_limits_version SET version = version + 1;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER budget_policies_alone BEFORE INSERT OR UPDATE OR DELETE ON moose.budget_policies
    FOR EACH STATEMENT EXECUTE FUNCTION moose.hold_reservations();
CREATE OR REPLACE TRIGGER budget_freezes_alone BEFORE INSERT OR UPDATE OR DELETE ON moose.budget_freezes
    FOR EACH STATEMENT EXECUTE FUNCTION moose.hold_reservations();
CREATE OR REPLACE TRIGGER budget_exempt_agents_alone BEFORE INSERT OR UPDATE OR DELETE ON moose.budget_exempt_agents
    FOR EACH STATEMENT EXECUTE FUNCTION moose.hold_reservations();
