-- The id of an error event: the same order, claim and cause always give the same, so that a repeat counts once. The
-- secret in it keeps whoever may publish events from sending one under the id of another that is still to come, which
-- would then not count. What makes an event news belongs into token or cause.
CREATE OR REPLACE FUNCTION moose.event_id(p_subject text, p_token bigint, p_cause text) RETURNS uuid
LANGUAGE sql STABLE AS $$
    SELECT encode(substr(sha256(i.secret || sha256(i.secret || convert_to(
               p_subject || ':' || p_token || ':' || p_cause, 'UTF8'))), 1, 16), 'hex')::uuid
    FROM moose.installation i
$$;

-- A UUID of version 7: ids that rise with time keep indexes dense.
CREATE OR REPLACE FUNCTION moose.time_ordered_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
            || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;
