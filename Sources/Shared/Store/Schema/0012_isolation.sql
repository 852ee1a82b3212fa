-- Messages that came back again and again, while somebody reads them: one that is begun and never answered has ended
-- its reader. The digest covers body and id.
CREATE TABLE moose.begun_messages (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    times  integer NOT NULL DEFAULT 1,
    at     timestamptz NOT NULL DEFAULT now()
);
