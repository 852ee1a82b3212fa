-- Micro-USD as dollars without trailing zeros.
CREATE OR REPLACE FUNCTION moose.dollars(p_micro bigint) RETURNS numeric LANGUAGE sql IMMUTABLE
RETURN trim_scale(p_micro / 1000000.0);

-- What an attempt of a kind is assumed to cost: its base price, and so many nano-USD for each byte of the body, rounded
-- up.
CREATE OR REPLACE FUNCTION moose.price(p_base_u bigint, p_byte_nanos bigint, p_bytes integer) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN p_base_u + (coalesce(p_byte_nanos, 0) * p_bytes + 999) / 1000;

-- Whose a budget is, in words: `the organisation`, `project shop`.
CREATE OR REPLACE FUNCTION moose.budget_owner(p_scope text, p_name text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN p_scope = 'org' THEN 'the organisation' ELSE p_scope || ' ' || p_name END;

-- A budget in words: `the daily budget of project shop`.
CREATE OR REPLACE FUNCTION moose.budget_words(p_scope text, p_name text, p_period text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN 'the ' || CASE p_period WHEN 'day' THEN 'daily' WHEN 'month' THEN 'monthly' ELSE p_period END || ' budget of '
       || moose.budget_owner(p_scope, p_name);

-- When a spent budget has money again, in words.
CREATE OR REPLACE FUNCTION moose.next_money(p_window_end timestamptz, p_time_zone text) RETURNS text LANGUAGE sql STABLE
RETURN CASE WHEN p_window_end < 'infinity'
            THEN to_char(p_window_end AT TIME ZONE p_time_zone, 'YYYY-MM-DD HH24:MI ') || p_time_zone || ' or a raise'
            ELSE 'a raise' END;
