-- Those of the ids that were pruned. The settings keep the look-up at one probe an id, however the table has grown
-- since the plan was made.
CREATE OR REPLACE FUNCTION moose.find_pruned(p_ids uuid[])
RETURNS TABLE (id uuid, digest bytea, state text, ended_at timestamptz, pruned_at timestamptz)
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT p.id, p.digest, p.state, p.ended_at, p.pruned_at
    FROM (SELECT DISTINCT i FROM unnest(p_ids) AS i) AS x (id) JOIN moose.pruned_orders p ON p.id = ANY (ARRAY[x.id])
$$;

-- Takes new rows of a claim away again whose ids were pruned; returns those. Looked for after the insert, which waits
-- for a prune of the same id to commit.
CREATE OR REPLACE FUNCTION moose.take_back_pruned(p_ids uuid[]) RETURNS uuid[] LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    v_ids uuid[] := ARRAY(SELECT f.id FROM moose.find_pruned(p_ids) f);
BEGIN
    DELETE FROM moose.work_orders w WHERE w.id = ANY (v_ids);
    RETURN v_ids;
END $$;
