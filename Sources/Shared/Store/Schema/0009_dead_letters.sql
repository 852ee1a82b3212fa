-- What could not be delivered, understood or finished: messages that were refused, and orders that failed for good. One
-- table for both, so that nothing has to be looked for in two places.

-- Every reason there is; the program knows the same ones, and a test holds both together. It stands here and not among
-- the functions because the table's CHECK needs it.
CREATE FUNCTION moose.dead_letter_reasons() RETURNS text[] LANGUAGE sql IMMUTABLE
RETURN '{malformed,invalid_field,no_id,oversize,unknown_price,unknown_kind,id_reused,unknown_work_order,unroutable,
         delivery_limit,expired,max_length,rejected,refused,unpublishable,exhausted,poison,never_fits,
         dependency_failed}'::text[];

CREATE TABLE moose.dead_letters (
    id             uuid PRIMARY KEY,
    state          text NOT NULL DEFAULT 'dead' CHECK (state IN ('dead', 'redriven', 'purged')),
    reason         text NOT NULL CHECK (reason = ANY (moose.dead_letter_reasons())),
    explanation    text NOT NULL,
    -- It stands for the order itself, which is `failed`; otherwise for a message.
    is_order       boolean NOT NULL DEFAULT false,
    work_order_id  uuid,
    kind           text,
    lane           text,
    -- Where the message was published to, and the queue that gave it up.
    exchange       text,
    routing_key    text,
    queue          text,
    -- Of one over the limit only the beginning; then its size and SHA-256 stand beside it.
    body           bytea NOT NULL,
    cut_size       bigint,
    cut_sha256     bytea,
    -- Of body and properties: what a redelivery is recognised by.
    digest         bytea NOT NULL CHECK (octet_length(digest) <= 32),
    -- Properties and headers for people and queries, bounded; and exactly as they came, encoded as AMQP has them. NULL
    -- where the message is gone: a failed order's, or one that SQL wrote.
    headers        json NOT NULL DEFAULT '{}',
    properties     bytea,
    -- How often the broker dead-lettered it, and when last.
    deaths         bigint,
    died_at        timestamptz,
    redelivered    boolean NOT NULL DEFAULT false,
    -- How often its recorder got it back from the broker: a crash between commit and acknowledgement.
    deliveries     integer NOT NULL DEFAULT 0,
    -- The redrive that was begun last, the one that came back last, and who is at it now.
    redrive_number integer NOT NULL DEFAULT 0,
    came_back      integer NOT NULL DEFAULT 0,
    lease          uuid,
    leased_until   timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
CREATE INDEX dead_letters_dead ON moose.dead_letters (created_at DESC, id DESC) WHERE state = 'dead';
CREATE INDEX dead_letters_recent ON moose.dead_letters (created_at DESC, id DESC);
CREATE INDEX dead_letters_digest ON moose.dead_letters (digest);
CREATE INDEX dead_letters_work_order ON moose.dead_letters (work_order_id) WHERE work_order_id IS NOT NULL;

-- At most one open letter an order.
CREATE UNIQUE INDEX dead_letters_order ON moose.dead_letters (work_order_id) WHERE is_order AND state = 'dead';

-- What became of a letter, and who did it.
CREATE TABLE moose.dead_letter_history (
    letter_id uuid NOT NULL,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    action    text NOT NULL CHECK (action IN ('redriven', 'came_back', 'purged')),
    who       text NOT NULL,
    -- Where it went, or why it came back.
    detail    text,
    why       text
);
CREATE INDEX dead_letter_history_of ON moose.dead_letter_history (letter_id, at);

-- Locked as a table, and always empty (see moose.limits_lock).
CREATE TABLE moose.letters_lock ();
