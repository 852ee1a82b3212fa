-- What a person does to work and workers. Rows are the truth; the channel moose_control only says: look at them now.

-- Called where an operator acts, never by claims and finishes: NOTIFY makes commits wait for each other.
CREATE OR REPLACE FUNCTION moose.control_notify(p_kind text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_notify('moose_control', p_kind)
$$;
