-- Takes what waits in these lanes, so many of each, and claims it: the same verdicts as claim_batch, for orders that
-- the caller does not know yet. line: where it was taken.
-- p_again: an earlier answer to this claim was lost; what it was granted is answered again.
CREATE OR REPLACE FUNCTION moose.take_batch(
    p_claim uuid, p_terms jsonb, p_again boolean, p_lanes text[], p_counts integer[]
) RETURNS TABLE (id uuid, item integer, verdict text, reason text, token bigint, attempt integer, estimate_u bigint,
                 max_attempts integer, timeout_seconds integer, handler text, kind text, lane text, title text,
                 traceparent text, body bytea, line text)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_ids uuid[] := '{}'; v_lines text[] := '{}';
    v_lane record;
    n integer;
BEGIN
    IF p_again THEN
        v_ids := ARRAY(SELECT l.id FROM moose.leases l WHERE l.claim = p_claim);
    END IF;
    IF v_ids = '{}' THEN
        FOR v_lane IN
            SELECT i.lane, least(i.count, moose.lane_room(i.lane))::integer AS count
            FROM unnest(p_lanes, p_counts) AS i (lane, count)
        LOOP
            PERFORM moose.call_unknown(ARRAY(SELECT jsonb_object_keys(p_terms -> 'kinds')), v_lane.lane, v_lane.count);
            v_ids := v_ids || moose.next_in_line(v_lane.lane, v_lane.count);
            v_lines := v_lines || array_fill(v_lane.lane, ARRAY[cardinality(v_ids) - cardinality(v_lines)]);
        END LOOP;
    END IF;
    n := cardinality(v_ids);
    IF n = 0 THEN RETURN; END IF;
    RETURN QUERY
        SELECT v_ids[c.item], c.item, c.verdict, c.reason, c.token, c.attempt, c.estimate_u, c.max_attempts,
               c.timeout_seconds, c.handler, c.kind, c.lane, c.title, c.traceparent, c.body,
               coalesce(v_lines[c.item], c.lane)
        FROM moose.claim_batch(
            p_claim, p_terms, false, v_ids, array_fill(NULL::text, ARRAY[n]), array_fill(NULL::text, ARRAY[n]),
            array_fill(NULL::text, ARRAY[n]), array_fill(NULL::text, ARRAY[n]), array_fill(NULL::text, ARRAY[n]),
            array_fill(NULL::bigint, ARRAY[n]), array_fill(NULL::integer, ARRAY[n]),
            array_fill(NULL::integer, ARRAY[n]), array_fill(NULL::timestamptz, ARRAY[n]),
            array_fill(NULL::bytea, ARRAY[n]), array_fill(NULL::text, ARRAY[n]), array_fill(NULL::text, ARRAY[n]),
            array_fill(NULL::text, ARRAY[n]), array_fill(NULL::text, ARRAY[n]), '{}') c;
END $$;

-- What would be taken next is put off for a minute: whoever asks claims these one by one.
CREATE OR REPLACE FUNCTION moose.set_apart(p_lanes text[], p_counts integer[]) RETURNS TABLE (id uuid, lane text)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_lane record;
    v_ids uuid[];
BEGIN
    FOR v_lane IN
        SELECT i.lane, least(i.count, moose.lane_room(i.lane))::integer AS count
        FROM unnest(p_lanes, p_counts) AS i (lane, count)
    LOOP
        v_ids := moose.next_in_line(v_lane.lane, v_lane.count);
        PERFORM moose.put_in_line(v_ids, array_fill(now() + interval '60 seconds', ARRAY[cardinality(v_ids)]));
        RETURN QUERY SELECT i, v_lane.lane FROM unnest(v_ids) AS i;
    END LOOP;
END $$;
