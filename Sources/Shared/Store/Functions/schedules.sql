-- Who changed a schedule and why (see moose.act_as); ticks are no changes. Wakes those who wait for the next tick.
CREATE OR REPLACE FUNCTION moose.schedule_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    v_after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
    INSERT INTO moose.audit_log (who, action, subject, before, after, reason)
    VALUES (coalesce(nullif(current_setting('moose.who', true), ''), session_user), 'schedule ' || lower(TG_OP),
            'schedule ' || (coalesce(v_after, v_before) ->> 'name'), v_before, v_after,
            nullif(current_setting('moose.reason', true), ''));
    PERFORM pg_notify('moose_schedules', '');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER schedules_changed AFTER INSERT OR DELETE OR UPDATE OF cron, time_zone, template, paused_at
    ON moose.schedules FOR EACH ROW EXECUTE FUNCTION moose.schedule_changed();

-- Writes the order of each tick that is due and moves the schedule on: both or neither, once over all processes. A
-- schedule that somebody changed, paused or fired meanwhile is passed by. Answers what was written.
CREATE OR REPLACE FUNCTION moose.fire_schedules(
    p_names text[], p_crons text[], p_zones text[], p_seen timestamptz[], p_next timestamptz[], p_missed bigint[],
    p_now timestamptz
) RETURNS TABLE (name text, tick timestamptz, work_order uuid) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_row record;
    v_id uuid;
BEGIN
    FOR v_row IN
        SELECT s.name, s.next_run_at AS tick, s.template, i.next, i.missed
        FROM moose.schedules s
        JOIN unnest(p_names, p_crons, p_zones, p_seen, p_next, p_missed) AS i (name, cron, zone, seen, next, missed)
          ON i.name = s.name AND i.cron = s.cron AND i.zone = s.time_zone AND i.seen = s.next_run_at
        WHERE s.paused_at IS NULL AND s.next_run_at <= coalesce(p_now, now())
        ORDER BY s.name FOR NO KEY UPDATE OF s SKIP LOCKED
    LOOP
        v_id := moose.tick_id(v_row.name, v_row.tick);
        BEGIN
            PERFORM moose.put_scheduled(v_id, v_row.name, v_row.template, v_row.tick);
        EXCEPTION WHEN data_exception OR SQLSTATE 'MS006' THEN
            -- Only its own tick is lost, and told.
            PERFORM moose.report(
                moose.event_id('schedule ' || v_row.name, extract(epoch FROM v_row.tick)::bigint, 'refused'),
                'scheduler', 'tick', 'critical',
                format('the schedule %s could not write its order: %s', v_row.name, SQLERRM), NULL, 'invalid_input',
                jsonb_build_object('schedule', v_row.name));
            v_id := NULL;
        END;
        UPDATE moose.schedules s
        SET next_run_at = v_row.next, last_run_at = v_row.tick, last_order = v_id, missed = s.missed + v_row.missed
        WHERE s.name = v_row.name;
        IF v_row.missed > 0 THEN
            PERFORM moose.report(
                moose.event_id('schedule ' || v_row.name, extract(epoch FROM v_row.tick)::bigint, 'missed'),
                'scheduler', 'tick', 'warning',
                format('nobody was there for %s ticks of the schedule %s since %s; one order makes up for them',
                       v_row.missed, v_row.name, moose.wire_time(v_row.tick)),
                v_id, 'infrastructure', jsonb_build_object('schedule', v_row.name));
        END IF;
        RETURN QUERY SELECT v_row.name, v_row.tick, v_id WHERE v_id IS NOT NULL;
    END LOOP;
END $$;

-- The order of one tick. The handler finds the schedule and the tick in its body.
CREATE OR REPLACE FUNCTION moose.put_scheduled(p_id uuid, p_name text, p_template jsonb, p_tick timestamptz)
RETURNS uuid
LANGUAGE sql AS $$
    SELECT moose.put_order(
        p_id, p_template || jsonb_build_object('schedule', p_name, 'scheduled_for', moose.wire_time(p_tick)),
        'moose scheduler', NULL, NULL, NULL)
$$;

-- The id of a tick's order: always the same for the same schedule and tick. Like version 7 it begins with the time,
-- which keeps indexes dense; the rest is a digest (RFC 9562 calls that version 8), which nobody else can tell
-- beforehand: an order that is there under this id keeps the tick from being written.
CREATE OR REPLACE FUNCTION moose.tick_id(p_name text, p_tick timestamptz) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM p_tick) * 1000)::bigint), 12, '0')
            || '8' || substr(d.hex, 1, 3) || '8' || substr(d.hex, 4, 15))::uuid
    FROM replace(moose.event_id('schedule ' || p_name, (extract(epoch FROM p_tick) * 1000000)::bigint, 'tick')::text,
                 '-', '') AS d (hex)
$$;

-- Takes schedules whose next tick can't be told out of service, so that a person sees why. One event each.
CREATE OR REPLACE FUNCTION moose.stop_schedules(p_names text[], p_reasons text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE moose.schedules s SET paused_at = now(), paused_by = 'moose', paused_because = i.reason
    FROM unnest(p_names, p_reasons) AS i (name, reason) WHERE s.name = i.name AND s.paused_at IS NULL;
    PERFORM moose.report(
        moose.event_id('schedule ' || i.name, extract(epoch FROM now())::bigint, 'stopped'), 'scheduler', 'tick',
        'critical', format('the schedule %s is paused, its next tick can''t be told: %s', i.name, i.reason), NULL,
        'invalid_input', jsonb_build_object('schedule', i.name))
    FROM unnest(p_names, p_reasons) AS i (name, reason);
END $$;

-- Seconds until the next tick; NULL when there is no schedule that ticks.
CREATE OR REPLACE FUNCTION moose.schedule_wait() RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT extract(epoch FROM min(s.next_run_at) - now())::double precision FROM moose.schedules s
    WHERE s.paused_at IS NULL
$$;
