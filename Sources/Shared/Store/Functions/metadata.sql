-- Merges fields into an order's metadata, one statement under the row's lock: whoever writes at the same time loses
-- nothing. A field given twice keeps the later value.
CREATE OR REPLACE FUNCTION moose.merge_metadata(p_work_order uuid, p_fields jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF jsonb_typeof(p_fields) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'metadata is a JSON object' USING ERRCODE = '22023', HINT = 'Give fields by name.';
    END IF;
    UPDATE moose.work_orders w SET metadata = w.metadata || p_fields WHERE w.id = p_work_order;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no work order %', p_work_order USING ERRCODE = 'P0002';
    END IF;
END $$;
