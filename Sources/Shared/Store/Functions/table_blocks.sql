CREATE OR REPLACE FUNCTION moose.blocks_of(p_table regclass) RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_relation_size(p_table) / current_setting('block_size')::bigint
$$;

-- The block, unless the table ends before it.
CREATE OR REPLACE FUNCTION moose.next_block(p_table regclass, p_block bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT CASE WHEN p_block < moose.blocks_of(p_table) THEN p_block END
$$;
