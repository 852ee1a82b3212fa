-- The place to go on from; NULL: another process is at it.
CREATE OR REPLACE FUNCTION moose.take_turn(p_name text) RETURNS text LANGUAGE sql AS $$
    SELECT t.place FROM moose.turns t WHERE t.name = p_name FOR NO KEY UPDATE SKIP LOCKED
$$;
