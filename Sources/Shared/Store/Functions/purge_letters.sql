-- Puts letters away. Nothing is deleted; what another is redriving just now stays.
CREATE OR REPLACE FUNCTION moose.purge_letters(p_ids uuid[], p_who text, p_why text) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    v_count integer;
BEGIN
    PERFORM 1 FROM moose.dead_letters d WHERE d.id = ANY (p_ids) ORDER BY d.id FOR NO KEY UPDATE;
    WITH purged AS (
        UPDATE moose.dead_letters d SET state = 'purged', lease = NULL, leased_until = NULL
        WHERE d.id = ANY (p_ids) AND d.state = 'dead' AND (d.leased_until IS NULL OR d.leased_until < now())
        RETURNING d.id
    ), noted AS (
        INSERT INTO moose.dead_letter_history (letter_id, action, who, why)
        SELECT p.id, 'purged', p_who, p_why FROM purged p
    )
    SELECT count(*) INTO v_count FROM purged;
    RETURN v_count;
END $$;
