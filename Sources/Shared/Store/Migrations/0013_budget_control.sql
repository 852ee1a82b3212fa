-- What an operator does to budgets. Each change is audited by a trigger, also one made by hand in psql; say who and
-- why with set_config('moose.who', ..., true) and set_config('moose.reason', ..., true).

-- A change of limits waits for the reservations under way, so that after its commit none is granted under the old ones.
-- Don't keep such a transaction open: no reservation is made meanwhile.
--
-- The row that each change writes shows those who reserve in a transaction that sees the past that it is past.
CREATE TABLE moose.budget_limits_version (version bigint NOT NULL) WITH (fillfactor = 10);
INSERT INTO moose.budget_limits_version VALUES (0);

CREATE FUNCTION moose.hold_reservations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE moose.limits_lock IN EXCLUSIVE MODE;
    UPDATE moose.budget_limits_version SET version = version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER budget_policies_alone BEFORE INSERT OR UPDATE OR DELETE ON moose.budget_policies
    FOR EACH STATEMENT EXECUTE FUNCTION moose.hold_reservations();
CREATE TRIGGER budget_freezes_alone BEFORE INSERT OR UPDATE OR DELETE ON moose.budget_freezes
    FOR EACH STATEMENT EXECUTE FUNCTION moose.hold_reservations();
CREATE TRIGGER budget_exempt_agents_alone BEFORE INSERT OR UPDATE OR DELETE ON moose.budget_exempt_agents
    FOR EACH STATEMENT EXECUTE FUNCTION moose.hold_reservations();

CREATE FUNCTION moose.audit_budget() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER budget_policies_audit AFTER INSERT OR UPDATE OR DELETE ON moose.budget_policies
    FOR EACH ROW EXECUTE FUNCTION moose.audit_budget('budget');
CREATE TRIGGER budget_freezes_audit AFTER INSERT OR UPDATE OR DELETE ON moose.budget_freezes
    FOR EACH ROW EXECUTE FUNCTION moose.audit_budget('freeze');
CREATE TRIGGER budget_exempt_agents_audit AFTER INSERT OR UPDATE OR DELETE ON moose.budget_exempt_agents
    FOR EACH ROW EXECUTE FUNCTION moose.audit_budget('exemption');

-- Says who acts and why, for the rest of the transaction.
CREATE FUNCTION moose.act_as(p_who text, p_reason text) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('moose.who', p_who, true), set_config('moose.reason', coalesce(p_reason, ''), true)
$$;

-- Raises the cap of one budget for a while. Holds taken under it stay when it ends.
CREATE FUNCTION moose.raise_budget(p_scope text, p_name text, p_period text, p_cap_u bigint, p_until timestamptz,
                                   p_who text, p_reason text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_cap bigint;
BEGIN
    SELECT coalesce(p.kill_u, p.hard_u) INTO v_cap FROM moose.budget_policies p
    WHERE (p.scope, p.name, p.period) = (p_scope, p_name, p_period) FOR NO KEY UPDATE;
    IF v_cap IS NULL THEN
        RAISE EXCEPTION 'there is no % budget of % % with a cap to raise', p_period, p_scope, p_name
            USING ERRCODE = 'MS004';
    ELSIF p_cap_u <= v_cap THEN
        RAISE EXCEPTION 'the cap is $% already', moose.dollars(v_cap) USING ERRCODE = 'MS004';
    ELSIF p_until <= now() THEN
        RAISE EXCEPTION 'the end of the raise is in the past' USING ERRCODE = 'MS004';
    END IF;
    PERFORM moose.act_as(p_who, p_reason);
    UPDATE moose.budget_policies p SET raised_u = p_cap_u, raised_until = p_until, updated_at = now()
    WHERE (p.scope, p.name, p.period) = (p_scope, p_name, p_period);
END $$;

-- The kill switch of a scope. It needs a budget that binds exempt agents, too: one that only tracks is made where there
-- is none.
CREATE FUNCTION moose.freeze_budget(p_scope text, p_name text, p_who text, p_reason text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM moose.act_as(p_who, p_reason);
    INSERT INTO moose.budget_policies (scope, name, period)
        SELECT p_scope, p_name, 'total'
        WHERE NOT EXISTS (SELECT 1 FROM moose.budget_policies p
                          WHERE p.scope = p_scope AND p.name = p_name AND p.period <> 'day');
    INSERT INTO moose.budget_freezes (scope, name, who, reason) VALUES (p_scope, p_name, p_who, p_reason)
        ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;

CREATE FUNCTION moose.unfreeze_budget(p_scope text, p_name text, p_who text, p_reason text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM moose.act_as(p_who, p_reason);
    DELETE FROM moose.budget_freezes f WHERE f.scope = p_scope AND f.name = p_name;
    RETURN FOUND;
END $$;

-- A person's correction of what a closed hold cost: the difference is posted in the window the hold was taken in.
CREATE FUNCTION moose.correct_hold(p_owner uuid, p_token bigint, p_number smallint, p_actual_u bigint, p_who text,
                                   p_reason text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_hold moose.budget_holds;
    v_posted bigint; v_nth smallint;
BEGIN
    SELECT * INTO v_hold FROM moose.budget_holds h
    WHERE (h.owner, h.token, h.number) = (p_owner, p_token, p_number) FOR NO KEY UPDATE;
    IF NOT FOUND OR v_hold.state IN ('held', 'dispatched') THEN
        RAISE EXCEPTION 'there is no closed hold % % %', p_owner, p_token, p_number USING ERRCODE = 'MS004';
    END IF;
    PERFORM 1 FROM moose.budget_buckets b WHERE b.id = ANY (v_hold.bucket_ids) ORDER BY b.id FOR NO KEY UPDATE;
    SELECT coalesce(sum(c.amount_u), 0), count(*) FILTER (WHERE c.entry = 'corrected') INTO v_posted, v_nth
    FROM moose.cost_tracking c WHERE (c.owner, c.token, c.number) = (p_owner, p_token, p_number);
    INSERT INTO moose.cost_tracking (owner, token, number, entry, nth, amount_u, bucket_ids)
    VALUES (p_owner, p_token, p_number, 'corrected', v_nth, p_actual_u - v_posted, v_hold.bucket_ids);
    UPDATE moose.budget_buckets b SET posted_u = b.posted_u + p_actual_u - v_posted WHERE b.id = ANY (v_hold.bucket_ids);
    UPDATE moose.budget_holds h SET state = 'settled', actual_u = p_actual_u
    WHERE (h.owner, h.token, h.number) = (p_owner, p_token, p_number);
    INSERT INTO moose.audit_log (who, action, subject, before, after, reason)
    VALUES (p_who, 'hold correct', 'hold ' || p_owner || ' ' || p_token || ' ' || p_number,
            jsonb_build_object('state', v_hold.state, 'posted_u', v_posted), jsonb_build_object('posted_u', p_actual_u),
            p_reason);
    PERFORM moose.report_marks(v_hold.bucket_ids);
END $$;

-- Holds of other services that nobody closed in their time: never dispatched, they are given back; else presumed spent. At
-- most 1,000 a call, in a transaction of its own: what it does last is lock the buckets' rows, which all work counts against.
CREATE FUNCTION moose.expire_holds() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_owners uuid[]; v_tokens bigint[]; v_numbers smallint[];
BEGIN
    SELECT array_agg(h.owner), array_agg(h.token), array_agg(h.number) INTO v_owners, v_tokens, v_numbers
    FROM (SELECT x.owner, x.token, x.number FROM moose.budget_holds x
          WHERE x.expires_at < now() AND x.state IN ('held', 'dispatched')
          ORDER BY x.owner, x.token, x.number LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED) h;
    IF v_owners IS NULL THEN RETURN 0; END IF;
    PERFORM moose.close_holds(v_owners, v_tokens, v_numbers, NULL, array_fill(true, ARRAY[cardinality(v_owners)]), true);
    RETURN cardinality(v_owners);
END $$;
