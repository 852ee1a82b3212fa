-- Raises the cap of one budget for a while. Holds taken under it stay when it ends.
CREATE OR REPLACE FUNCTION moose.raise_budget(
    p_scope text, p_name text, p_period text, p_cap_u bigint, p_until timestamptz,
    p_who text, p_reason text
) RETURNS void LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE FUNCTION moose.freeze_budget(p_scope text, p_name text, p_who text, p_reason text) RETURNS boolean
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

CREATE OR REPLACE FUNCTION moose.unfreeze_budget(p_scope text, p_name text, p_who text, p_reason text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM moose.act_as(p_who, p_reason);
    DELETE FROM moose.budget_freezes f WHERE f.scope = p_scope AND f.name = p_name;
    RETURN FOUND;
END $$;

-- A person's correction of what a closed hold cost: the difference is posted in the window the hold was taken in.
CREATE OR REPLACE FUNCTION moose.correct_hold(
    p_owner uuid, p_token bigint, p_number smallint, p_actual_u bigint, p_who text,
    p_reason text
) RETURNS void LANGUAGE plpgsql AS $$
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
    UPDATE moose.budget_buckets b SET posted_u = b.posted_u + p_actual_u - v_posted
    WHERE b.id = ANY (v_hold.bucket_ids);
    UPDATE moose.budget_holds h SET state = 'settled', actual_u = p_actual_u
    WHERE (h.owner, h.token, h.number) = (p_owner, p_token, p_number);
    INSERT INTO moose.audit_log (who, action, subject, before, after, reason)
    VALUES (p_who, 'hold correct', 'hold ' || p_owner || ' ' || p_token || ' ' || p_number,
            jsonb_build_object('state', v_hold.state, 'posted_u', v_posted), jsonb_build_object('posted_u', p_actual_u),
            p_reason);
    PERFORM moose.report_marks(v_hold.bucket_ids);
END $$;
