-- Says that a message is about to be read. Returns how often that was said before and never answered.
CREATE OR REPLACE FUNCTION moose.begin_message(p_body bytea, p_id bytea) RETURNS integer LANGUAGE sql AS $$
    INSERT INTO moose.begun_messages AS b (digest) VALUES (sha256(p_body || p_id))
    ON CONFLICT (digest) DO UPDATE SET times = b.times + 1, at = now()
    RETURNING times - 1
$$;

-- Its reader has lived through it. What nobody answered for a week is forgotten with it.
CREATE OR REPLACE FUNCTION moose.answer_message(p_body bytea, p_id bytea) RETURNS void LANGUAGE sql AS $$
    DELETE FROM moose.begun_messages b WHERE b.digest = sha256(p_body || p_id) OR b.at < now() - interval '7 days'
$$;
