-- How far a zone is ahead of UTC, and each instant at which that changes. The database's clocks and zones decide, so
-- that all processes agree. Two changes within a day would be seen as one; there never were any.
CREATE OR REPLACE FUNCTION moose.zone_offsets(p_zone text, p_from timestamptz, p_to timestamptz)
RETURNS TABLE (starts_at bigint, seconds_east bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_at bigint := floor(extract(epoch FROM p_from));
    v_end bigint := floor(extract(epoch FROM p_to));
    v_low bigint; v_high bigint; v_middle bigint;
    v_next bigint;
BEGIN
    starts_at := v_at;
    seconds_east := moose.zone_offset(p_zone, v_at);
    RETURN NEXT;
    WHILE v_at < v_end LOOP
        v_next := moose.zone_offset(p_zone, v_at + 86400);
        IF v_next <> seconds_east THEN
            v_low := v_at;
            v_high := v_at + 86400;
            WHILE v_high - v_low > 1 LOOP
                v_middle := (v_low + v_high) / 2;
                IF moose.zone_offset(p_zone, v_middle) = seconds_east THEN v_low := v_middle;
                ELSE v_high := v_middle;
                END IF;
            END LOOP;
            starts_at := v_high;
            seconds_east := v_next;
            RETURN NEXT;
        END IF;
        v_at := v_at + 86400;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION moose.zone_offset(p_zone text, p_epoch bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT extract(epoch FROM (to_timestamp(p_epoch) AT TIME ZONE p_zone)
                              - (to_timestamp(p_epoch) AT TIME ZONE 'UTC'))::bigint
$$;
