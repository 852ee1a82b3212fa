-- Tells, once a window and under one cap, that a budget has no room (spent, held_retry) or is frozen. What was held and
-- is spent later is told again: it got worse.
CREATE OR REPLACE FUNCTION moose.report_full(p_bucket bigint, p_reason text, p_example uuid) RETURNS void
LANGUAGE sql AS $$
    WITH told AS (
        UPDATE moose.budget_buckets b SET reported = b.reported || p_reason
        WHERE b.id = p_bucket AND NOT p_reason = ANY (b.reported)
        RETURNING b.policy_id, b.window_end
    )
    SELECT moose.report(
        -- Another cap is news, and so is another freeze.
        moose.event_id('bucket ' || p_bucket || coalesce(' ' || extract(epoch FROM f.since), ''), coalesce(l.cap_u, 0),
                       p_reason), 'worker', 'reserve',
        CASE p_reason WHEN 'spent' THEN 'critical' ELSE 'warning' END,
        CASE p_reason
            WHEN 'frozen' THEN format('%s is frozen; its orders wait until it is unfrozen',
                                      moose.budget_owner(l.scope, l.name))
            WHEN 'spent' THEN format('%s is spent: its cap is $%s; orders wait until %s',
                                     moose.budget_words(l.scope, l.name, l.period), moose.dollars(l.cap_u),
                                     moose.next_money(t.window_end, l.time_zone))
            ELSE format('%s is held by running work: its cap is $%s; orders wait until that gives some back, or '
                        'a raise', moose.budget_words(l.scope, l.name, l.period), moose.dollars(l.cap_u)) END,
        p_example, 'budget_exceeded',
        jsonb_build_object('reason', p_reason, 'scope', l.scope, 'name', l.name, 'period', l.period))
    FROM told t
    JOIN moose.budget_limits l ON l.id = t.policy_id
    LEFT JOIN moose.budget_freezes f ON f.scope = l.scope AND f.name = l.name
$$;

-- Orders wait for money that was held when they were refused, and by now it is spent: nobody claims them again, so
-- nobody else would tell. Part of each look at what waits for money.
CREATE OR REPLACE FUNCTION moose.report_spent() RETURNS void LANGUAGE sql SET enable_seqscan = off AS $$
    SELECT moose.report_full(b.id, 'spent', first.id)
    FROM moose.budget_limits l
    CROSS JOIN LATERAL moose.budget_window(l.period, l.time_zone, now()) u
    JOIN moose.budget_buckets b
        ON b.policy_id = ANY (ARRAY[l.id]) AND b.window_start = u.window_start AND NOT b.exempt
    CROSS JOIN LATERAL (
        WITH RECURSIVE path AS (
            (SELECT w.waits_on FROM moose.work_orders w WHERE w.waits_on IS NOT NULL ORDER BY w.waits_on LIMIT 1)
            UNION ALL
            SELECT (SELECT w.waits_on FROM moose.work_orders w
                    WHERE w.waits_on > p.waits_on ORDER BY w.waits_on LIMIT 1)
            FROM path p WHERE p.waits_on IS NOT NULL
        )
        SELECT o.id, o.waits_for_u
        FROM path p
        CROSS JOIN LATERAL (SELECT w.id, w.waits_for_u FROM moose.work_orders w
                            WHERE w.waits_on = p.waits_on ORDER BY w.estimate_u LIMIT 1) o
        WHERE l.id = ANY (p.waits_on) ORDER BY o.waits_for_u LIMIT 1) first
    WHERE 'held_retry' = ANY (b.reported) AND NOT 'spent' = ANY (b.reported) AND NOT l.frozen
      AND b.posted_u + first.waits_for_u > l.cap_u
    ORDER BY b.id
$$;
