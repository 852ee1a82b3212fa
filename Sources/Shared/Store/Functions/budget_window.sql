-- The window of a period that an instant falls into, in the policy's time zone (so days have their real length). A
-- midnight that the clocks skip is the instant after it; of one that they show twice, because they go back an hour at
-- one, it is the first, where the server would take the second.
CREATE OR REPLACE FUNCTION moose.budget_window(
    p_period text, p_zone text, p_at timestamptz,
    OUT window_start timestamptz, OUT window_end timestamptz
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_start timestamp; v_end timestamp;
BEGIN
    IF p_period = 'total' THEN
        window_start := '-infinity';
        window_end := 'infinity';
        RETURN;
    END IF;
    v_start := date_trunc(p_period, p_at AT TIME ZONE p_zone);
    v_end := v_start + CASE p_period WHEN 'day' THEN interval '1 day' ELSE interval '1 month' END;
    window_start := v_start AT TIME ZONE p_zone;
    window_end := v_end AT TIME ZONE p_zone;
    IF (window_start - interval '1 hour') AT TIME ZONE p_zone >= v_start THEN
        window_start := window_start - interval '1 hour';
    END IF;
    IF (window_end - interval '1 hour') AT TIME ZONE p_zone >= v_end THEN
        window_end := window_end - interval '1 hour';
    END IF;
END $$;
