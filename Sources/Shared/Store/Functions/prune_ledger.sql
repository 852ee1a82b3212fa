-- Retention, a range of table blocks at a time, so that nothing else waits: deletes closed holds, and ledger entries
-- after carrying their sums over. Returns the next block to ask for, NULL at the end. Only what is older than 40 days,
-- so that every window it counts in has ended (a `total` one keeps its sum through the carried entries).
CREATE OR REPLACE FUNCTION moose.prune_holds(
    p_before timestamptz, p_block bigint, p_blocks integer, p_dry boolean,
    OUT deleted bigint, OUT next_block bigint
) LANGUAGE plpgsql AS $$
BEGIN
    IF p_dry THEN
        deleted := (
            SELECT count(*) FROM moose.budget_holds h
            WHERE h.ctid >= format('(%s,0)', p_block)::tid AND h.ctid < format('(%s,0)', p_block + p_blocks)::tid
              AND h.state NOT IN ('held', 'dispatched') AND h.closed_at < least(p_before, now() - interval '40 days'));
    ELSE
        DELETE FROM moose.budget_holds h
        WHERE h.ctid >= format('(%s,0)', p_block)::tid AND h.ctid < format('(%s,0)', p_block + p_blocks)::tid
          AND h.state NOT IN ('held', 'dispatched') AND h.closed_at < least(p_before, now() - interval '40 days');
        GET DIAGNOSTICS deleted = ROW_COUNT;
    END IF;
    next_block := nullif(least(p_block + p_blocks, moose.blocks_of('moose.budget_holds')),
                         moose.blocks_of('moose.budget_holds'));
END $$;

CREATE OR REPLACE FUNCTION moose.prune_ledger(
    p_before timestamptz, p_block bigint, p_blocks integer, p_dry boolean,
    OUT deleted bigint, OUT next_block bigint
) LANGUAGE plpgsql AS $$
BEGIN
    IF p_dry THEN
        deleted := (
            SELECT count(*) FROM moose.cost_tracking c
            WHERE c.ctid >= format('(%s,0)', p_block)::tid AND c.ctid < format('(%s,0)', p_block + p_blocks)::tid
              AND c.entry <> 'carried' AND c.created_at < least(p_before, now() - interval '40 days'));
    ELSE
        PERFORM set_config('moose.pruning', 'on', true);
        WITH gone AS (
            DELETE FROM moose.cost_tracking c
            WHERE c.ctid >= format('(%s,0)', p_block)::tid AND c.ctid < format('(%s,0)', p_block + p_blocks)::tid
              AND c.entry <> 'carried' AND c.created_at < least(p_before, now() - interval '40 days')
            RETURNING c.bucket_ids, c.amount_u, c.created_at
        ), carried AS (
            INSERT INTO moose.cost_tracking (owner, token, number, entry, amount_u, bucket_ids, created_at)
            SELECT gen_random_uuid(), 0, 0, 'carried', sum(g.amount_u)::bigint, g.bucket_ids, max(g.created_at)
            FROM gone g GROUP BY g.bucket_ids
        )
        SELECT count(*) INTO deleted FROM gone;
        PERFORM set_config('moose.pruning', 'off', true);
    END IF;
    next_block := nullif(least(p_block + p_blocks, moose.blocks_of('moose.cost_tracking')),
                         moose.blocks_of('moose.cost_tracking'));
END $$;
