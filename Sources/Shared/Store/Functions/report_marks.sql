-- Tells what was crossed in these buckets, each once in a window and under one cap: passing the soft limit warns,
-- passing the hard one says that economy mode began (error events, so people see them); half, 80 % and all of the cap
-- are announced on moose.events as budget.threshold.<scope>, for whoever listens.
CREATE OR REPLACE FUNCTION moose.report_marks(p_buckets bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v record;
    v_event uuid;
BEGIN
    FOR v IN
        SELECT b.id, l.scope, l.name, l.period, b.window_end, b.held_u, b.posted_u, l.cap_u, m.mark, m.at_u
        FROM moose.budget_buckets b
        JOIN moose.budget_limits l ON l.id = b.policy_id
        CROSS JOIN LATERAL (VALUES ('soft', l.soft_u + 1), ('economy', l.hard_u + 1), ('50', l.cap_u / 2),
                                   ('80', l.cap_u / 10 * 8), ('100', l.cap_u)) AS m (mark, at_u)
        WHERE b.id = ANY (p_buckets) AND NOT b.exempt AND b.held_u + b.posted_u >= m.at_u AND m.at_u > 0
          AND NOT m.mark = ANY (b.reported)
        ORDER BY b.id, m.at_u
    LOOP
        UPDATE moose.budget_buckets b SET reported = b.reported || v.mark WHERE b.id = v.id;
        -- Another cap or another limit is news.
        v_event := moose.event_id('bucket ' || v.id || ' at ' || v.at_u, coalesce(v.cap_u, v.at_u), v.mark);
        IF v.mark IN ('soft', 'economy') THEN
            PERFORM moose.report(
                v_event, 'worker', 'reserve', 'warning',
                format(CASE v.mark
                    WHEN 'soft' THEN '%s is past its soft limit of $%s; work goes on'
                    ELSE '%s is past its hard limit of $%s; work goes on with the cheapest handlers'
                    END, moose.budget_words(v.scope, v.name, v.period), moose.dollars(v.at_u - 1)),
                NULL, 'budget_exceeded',
                jsonb_build_object('reason', v.mark, 'scope', v.scope, 'name', v.name, 'period', v.period));
        ELSE
            INSERT INTO moose.outbox (id, exchange, routing_key, type, body)
            VALUES (v_event, 'moose.events', 'budget.threshold.' || v.scope,
                    'moose.budget-event.v1',
                    convert_to(jsonb_build_object(
                        'id', v_event, 'percent', v.mark::integer,
                        'scope', v.scope, 'name', v.name, 'period', v.period,
                        'used_usd', moose.dollars(v.held_u + v.posted_u)::text,
                        'cap_usd', moose.dollars(v.cap_u)::text, 'window_end', nullif(v.window_end, 'infinity'),
                        'occurred_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text,
                        'UTF8'))
            ON CONFLICT (id) DO NOTHING;
        END IF;
    END LOOP;
END $$;
