/// What a test's database has besides the ledger: a journal that every request is written into, in the transaction of
/// its effects and before the locks on its buckets are given up. Its order is therefore the serial order.
enum Journal {
    static let schema = """
        CREATE SCHEMA journal;
        CREATE TABLE journal.entries (
            place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, request bigint NOT NULL, answers jsonb NOT NULL
        );

        CREATE FUNCTION journal.batch(
            p_request bigint,
            m_owners uuid[], m_tokens bigint[], m_numbers smallint[], m_moves text[], m_actuals bigint[],
            r_owners uuid[], r_tokens bigint[], r_numbers smallint[], r_estimates bigint[],
            r_projects text[], r_agents text[], r_handlers text[], r_models text[],
            r_dispatched boolean[], r_lives_ms bigint[]
        ) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE
            v_answers jsonb;
        BEGIN
            SELECT coalesce(jsonb_agg(to_jsonb(a) ORDER BY a.n), '[]') INTO v_answers
            FROM moose.ledger_batch(m_owners, m_tokens, m_numbers, m_moves, m_actuals, r_owners, r_tokens, r_numbers,
                                    r_estimates, r_projects, r_agents, r_handlers, r_models, r_dispatched, r_lives_ms)
                 WITH ORDINALITY AS a (answer, reason, replay, state, estimate_u, total_before, n);
            INSERT INTO journal.entries (request, answers) VALUES (p_request, v_answers);
            RETURN v_answers;
        END $$;

        -- The sweeper passes over what others hold locked: which holds it closed is written down.
        CREATE FUNCTION journal.expire(p_request bigint) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE
            v_closed jsonb;
        BEGIN
            PERFORM moose.expire_holds();
            SELECT coalesce(jsonb_agg(jsonb_build_object('owner', h.owner, 'token', h.token, 'number', h.number)), '[]')
            INTO v_closed FROM moose.budget_holds h WHERE h.xmin = pg_current_xact_id()::xid;
            INSERT INTO journal.entries (request, answers) VALUES (p_request, v_closed);
            RETURN v_closed;
        END $$;

        -- Other limits take effect for batches that begin to judge after them, which is what a change of limits waits for.
        CREATE FUNCTION journal.join_queue(p_request bigint) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            LOCK TABLE moose.limits_lock IN EXCLUSIVE MODE;
            INSERT INTO journal.entries (request, answers) VALUES (p_request, '[]');
        END $$;
        """
}
