-- The rows that the stages of a claim hand on (Functions/claim_batch.sql). No table has a column of them.

-- An order of a batch, as the message or its row has it. item: its place in the batch, from 1; finding: what was found
-- of it so far; token: under which it would run.
CREATE TYPE moose.claim_order AS (
    item       integer,
    id         uuid,
    finding    text,
    token      bigint,
    kind       text,
    lane       text,
    project    text,
    agent      text,
    estimate_u bigint,
    bytes      integer,
    run_at     timestamptz
);

-- An order that an order of the batch depends on.
CREATE TYPE moose.claim_dependency AS (id uuid, item integer, depends_on uuid, is_met boolean);

-- What the claim answers to an item.
CREATE TYPE moose.claim_answer AS (item integer, verdict text, reason text);
