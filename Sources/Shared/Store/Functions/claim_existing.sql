-- The stages of a claim that have to do with orders which were there before, in their order (see claim_batch).

-- Locks the orders of a batch that are not new, in id order, and judges each by its row: finding is run, or why not.
-- p_kinds NULL: they were taken from the line, which has locked them.
-- gated: some stand at gates, or others do.
CREATE OR REPLACE FUNCTION moose.claim_judge(
    p_new moose.claim_order[], p_claim uuid, p_terms jsonb, p_park boolean, p_ids uuid[], p_kinds text[],
    p_bodies bytea[], OUT orders moose.claim_order[], OUT gated boolean
) LANGUAGE plpgsql AS $$
DECLARE
    v_grace interval := (p_terms ->> 'grace_ms')::bigint * interval '1 millisecond';
    v_kinds jsonb := p_terms -> 'kinds';
    v_new integer[] := ARRAY(SELECT o.item FROM unnest(p_new) o);
BEGIN
    IF p_kinds IS NOT NULL THEN
        -- Locked in one statement and read in the next: a try of this claim that still ran holds them until its leases
        -- can be seen.
        PERFORM 1 FROM moose.work_orders o WHERE o.id = ANY (p_ids) ORDER BY o.id FOR NO KEY UPDATE;
    END IF;
    SELECT coalesce(array_agg(ROW(j.item, j.id, j.finding, j.fencing_token + 1, j.kind, j.lane, j.project,
                                  j.agent, j.estimate, j.bytes, j.run_at)::moose.claim_order ORDER BY j.item), '{}'),
           bool_or(j.is_gated) OR EXISTS (SELECT 1 FROM moose.gate_waits)
    INTO orders, gated
    FROM (
        SELECT i.item, i.id, w.fencing_token, w.kind, w.lane, w.project, w.agent, w.bytes, w.run_at, w.is_gated,
               coalesce(w.estimate_u, moose.price(k.price, (k.terms ->> 'byte_nanos')::bigint, w.bytes)) AS estimate,
               CASE
                   WHEN w.id IS NULL THEN 'unknown_work_order'
                   -- Cancelled before its message came: there is no body to compare with.
                   WHEN w.digest = '' THEN 'duplicate'
                   WHEN p_kinds[i.item] IS NOT NULL AND w.digest <> substr(sha256(p_bodies[i.item]), 1, 16)
                       THEN 'id_reused'
                   WHEN w.state = 'in_progress' AND EXISTS (
                       SELECT 1 FROM moose.leases l WHERE l.id = ANY (ARRAY[w.id]) AND l.claim = p_claim) THEN 'replay'
                   WHEN w.state NOT IN ('scheduled', 'pending', 'retrying', 'awaiting_budget') THEN 'duplicate'
                   WHEN p_park OR w.run_at > now() AND w.state <> 'awaiting_budget' THEN 'later'
                   WHEN k.terms IS NOT NULL THEN
                       CASE WHEN coalesce(w.estimate_u, k.price) IS NULL THEN 'unknown_price' ELSE 'run' END
                   WHEN now() - coalesce(w.unknown_since, now()) >= v_grace AND NOT moose.kind_is_known(w.kind)
                       THEN 'give_up'
                   ELSE 'unknown_kind'
               END AS finding
        FROM unnest(p_ids) WITH ORDINALITY AS i (id, item)
        LEFT JOIN (
            SELECT o.*, octet_length(o.body) AS bytes, o.concurrency_key IS NOT NULL OR o.gates IS NOT NULL AS is_gated
            FROM moose.work_orders o) w ON w.id = ANY (ARRAY[i.id])
        CROSS JOIN LATERAL (SELECT v_kinds -> w.kind AS terms,
                                   (v_kinds -> w.kind ->> 'estimate_u')::bigint AS price) k
        WHERE NOT i.item = ANY (v_new)
    ) j;
    IF EXISTS (SELECT 1 FROM unnest(orders) o WHERE o.finding = 'unknown_work_order') THEN
        orders := moose.claim_look_among_pruned(orders, p_kinds, p_bodies);
    END IF;
END $$;

-- Judges again what is unknown, should it have been pruned.
CREATE OR REPLACE FUNCTION moose.claim_look_among_pruned(
    p_orders moose.claim_order[], p_kinds text[], p_bodies bytea[]
) RETURNS moose.claim_order[] LANGUAGE plpgsql AS $$
BEGIN
    RETURN ARRAY(
        SELECT ROW(o.item, o.id,
                   CASE WHEN o.finding <> 'unknown_work_order' OR f.id IS NULL THEN o.finding
                        WHEN f.digest = '' OR p_kinds[o.item] IS NULL
                             OR f.digest = substr(sha256(p_bodies[o.item]), 1, 16)
                        THEN 'duplicate' ELSE 'id_reused' END,
                   o.token, o.kind, o.lane, o.project, o.agent, o.estimate_u, o.bytes, o.run_at)::moose.claim_order
        FROM unnest(p_orders) o
        LEFT JOIN moose.find_pruned(ARRAY(SELECT x.id FROM unnest(p_orders) x)) f ON f.id = o.id
        ORDER BY o.item);
END $$;

-- Of these orders, what can't run now: one whose kind the worker lacks goes back into the line, one that can never run
-- is dead-lettered.
CREATE OR REPLACE FUNCTION moose.claim_turn_away(
    p_orders moose.claim_order[], p_terms jsonb, p_bodies bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Taken or delivered before its time, as one that was put off since.
    PERFORM moose.put_in_line(array_agg(o.id), array_agg(o.run_at))
    FROM unnest(p_orders) o WHERE o.finding = 'later' AND o.run_at > now() HAVING count(*) > 0;
    IF EXISTS (SELECT 1 FROM unnest(p_orders) o WHERE o.finding = 'unknown_kind') THEN
        UPDATE moose.work_orders w SET unknown_since = now()
        FROM unnest(p_orders) o
        WHERE w.id = ANY (ARRAY[o.id]) AND o.finding = 'unknown_kind' AND w.unknown_since IS NULL;
        PERFORM moose.put_in_line(array_agg(o.id), array_agg(now() + moose.claim_pause(p_terms)))
        FROM unnest(p_orders) o WHERE o.finding = 'unknown_kind';
    END IF;
    PERFORM moose.refuse_claims(
        array_agg(o.id), array_agg(CASE o.finding WHEN 'give_up' THEN 'unknown_kind' ELSE o.finding END),
        array_agg(coalesce(p_bodies[o.item], '')))
    FROM unnest(p_orders) o
    WHERE o.finding IN ('id_reused', 'unknown_work_order', 'unknown_price', 'give_up') HAVING count(*) > 0;
END $$;
DROP FUNCTION IF EXISTS moose.claim_turn_away(moose.claim_order[], jsonb, boolean, bytea[]);
