-- Holds of other services that nobody closed in their time: never dispatched, they are given back; else presumed spent.
-- At most 1,000 a call, in a transaction of its own: what it does last is lock the buckets' rows, which all work counts
-- against.
CREATE OR REPLACE FUNCTION moose.expire_holds() RETURNS integer LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    v_owners uuid[]; v_tokens bigint[]; v_numbers smallint[];
BEGIN
    SELECT array_agg(h.owner), array_agg(h.token), array_agg(h.number) INTO v_owners, v_tokens, v_numbers
    FROM (SELECT x.owner, x.token, x.number FROM moose.budget_holds x
          WHERE x.expires_at < now() AND x.state IN ('held', 'dispatched')
          ORDER BY x.expires_at LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED) h;
    IF v_owners IS NULL THEN RETURN 0; END IF;
    PERFORM moose.close_holds(v_owners, v_tokens, v_numbers, NULL, array_fill(true, ARRAY[cardinality(v_owners)]),
                             true);
    RETURN cardinality(v_owners);
END $$;
