-- Leases: a worker renews what it really runs; a sweeper rescues what nobody renewed. Postgres's clock decides.

-- Renews every (order, token) pair in one statement; succeeds while the token matches, also past expiry. Leases that an
-- end takes away just now are skipped. Returns the pairs this worker has lost.
CREATE OR REPLACE FUNCTION moose.renew_leases(p_worker uuid, p_ids uuid[], p_tokens bigint[], p_lease interval)
RETURNS TABLE (id uuid, token bigint) LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    UPDATE moose.leases l SET expires_at = now() + p_lease
    FROM (
        SELECT o.id FROM moose.leases o
        JOIN unnest(p_ids, p_tokens) AS i (id, token) ON o.id = ANY (ARRAY[i.id]) AND i.token = o.token
        ORDER BY i.id FOR NO KEY UPDATE OF o SKIP LOCKED) mine
    WHERE l.id = ANY (ARRAY[mine.id]);
    RETURN QUERY
        SELECT i.id, i.token
        FROM unnest(p_ids, p_tokens) AS i (id, token)
        LEFT JOIN moose.leases l ON l.id = ANY (ARRAY[i.id]) AND l.token = i.token
        WHERE l.id IS NULL;
END $$;

-- Leases that stand expired now. A sweeper acts only on what it saw expired twice (see LeaseWatch). The expiry, in
-- microseconds, tells a lease that was renewed between two looks from one that was not.
CREATE OR REPLACE FUNCTION moose.expired_leases() RETURNS TABLE (id uuid, token bigint, expiry_us bigint)
LANGUAGE sql STABLE AS $$
    SELECT l.id, l.token, (extract(epoch FROM l.expires_at) * 1000000)::bigint FROM moose.leases l
    WHERE l.expires_at < now()
    ORDER BY l.id LIMIT 5000
$$;
