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
    v_lane record; v_step record;
    v_orders moose.claim_order[];
    v_answers moose.claim_answer[];
    v_judges boolean; v_switched boolean := false;
BEGIN
    -- One take of a worker at a time: a try whose answer was lost may still run, and its leases can't be seen before
    -- its commit.
    PERFORM 1 FROM moose.workers k WHERE k.id = (p_terms ->> 'worker')::uuid FOR NO KEY UPDATE;
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
    IF v_ids = '{}' THEN RETURN; END IF;

    -- What a claim does with those that are not new.
    v_step := moose.claim_judge('{}', p_claim, p_terms, false, v_ids, NULL, NULL);
    v_orders := v_step.orders;
    v_judges := v_step.gated OR (moose.claim_gated(p_terms, '{}', '{}', '{}')).judges;
    PERFORM moose.claim_turn_away(v_orders, p_terms, NULL);
    v_answers := moose.claim_answers(v_orders, false);
    v_orders := ARRAY(SELECT o FROM unnest(v_orders) o WHERE o.finding = 'run');
    IF cardinality(v_orders) > 0 THEN
        v_step := moose.claim_grant(v_orders, v_judges, p_claim, p_terms, v_ids);
        v_answers := v_answers || v_step.answers;
        v_switched := v_step.switched;
    END IF;

    RETURN QUERY
        SELECT w.id, a.item, a.verdict, a.reason, w.fencing_token, w.attempt, coalesce(h.estimate_u, w.estimate_u),
               w.max_attempts, w.timeout_seconds, coalesce(h.handler, w.kind), w.kind, w.lane, w.title, w.traceparent,
               w.body, coalesce(v_lines[a.item], w.lane)
        FROM unnest(v_answers) a JOIN moose.work_orders w ON w.id = ANY (ARRAY[v_ids[a.item]])
        -- The handler and the amount are another where it was switched to a cheap one, now or by the lost answer.
        LEFT JOIN LATERAL (
            SELECT x.* FROM moose.budget_holds x
            WHERE (v_switched OR p_again) AND x.owner = w.id AND x.token = w.fencing_token AND x.number = 0
            OFFSET 0) h ON true;
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
