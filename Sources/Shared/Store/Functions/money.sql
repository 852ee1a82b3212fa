-- Micro-USD as dollars without trailing zeros.
CREATE OR REPLACE FUNCTION moose.dollars(p_micro bigint) RETURNS numeric LANGUAGE sql IMMUTABLE
RETURN trim_scale(p_micro / 1000000.0);

-- What an attempt of a kind is assumed to cost: its base price, and so many nano-USD for each byte of the body, rounded
-- up.
CREATE OR REPLACE FUNCTION moose.price(p_base_u bigint, p_byte_nanos bigint, p_bytes integer) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN p_base_u + (coalesce(p_byte_nanos, 0) * p_bytes + 999) / 1000;
