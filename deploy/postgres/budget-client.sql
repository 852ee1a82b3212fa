-- Makes the role moose_budget_client: for services that reserve money from SQL and may do nothing else in this database.
--
-- Run it with psql in Moose's database, as the role that ran `moose migrate` and may create roles. Running it again
-- resets the role to what stands here. It doesn't log the password, but other users of this machine can see a -v in the
-- process list: the variable of the environment is safer.
--
--   psql -v password=... -f deploy/postgres/budget-client.sql
--   MOOSE_BUDGET_CLIENT_PASSWORD=... psql -f deploy/postgres/budget-client.sql
--   psql -v connections=200 ...            sessions at once, over all services; default 50
--
-- Remove it, in every database it was made in:
--
--   DROP OWNED BY moose_budget_client;
--   DROP ROLE moose_budget_client;
--
-- PostgreSQL lets every role make temporary tables and connect to every database of the server. Where that matters:
-- REVOKE TEMPORARY ON DATABASE ... FROM PUBLIC; REVOKE CONNECT ON DATABASE ... FROM PUBLIC.
\set ON_ERROR_STOP on
\set QUIET on
\if :{?password}
\else
    \getenv password MOOSE_BUDGET_CLIENT_PASSWORD
\endif
\if :{?password}
\else
    DO $$ BEGIN
        RAISE EXCEPTION 'the role needs a password'
            USING HINT = 'Set MOOSE_BUDGET_CLIENT_PASSWORD, or give psql -v password=...';
    END $$;
\endif
\if :{?connections}
\else
    \set connections 50
\endif

BEGIN;

SELECT 'CREATE ROLE moose_budget_client'
WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'moose_budget_client') \gexec
ALTER ROLE moose_budget_client LOGIN NOINHERIT NOCREATEDB NOCREATEROLE PASSWORD :'password'
    CONNECTION LIMIT :connections;

-- A reservation locks the rows that all work counts against. A caller that falls silent with its transaction open must
-- not keep them: its session is cut, and what it reserved in that transaction is undone.
ALTER ROLE moose_budget_client SET idle_in_transaction_session_timeout = '5s';
-- Longer than that, so that those who wait behind such a caller get their answer.
ALTER ROLE moose_budget_client SET lock_timeout = '8s';
ALTER ROLE moose_budget_client SET statement_timeout = '10s';

GRANT CONNECT ON DATABASE :"DBNAME" TO moose_budget_client;
GRANT USAGE ON SCHEMA public TO moose_budget_client;
-- They run with their owner's rights: the role needs no right to Moose's own schema.
GRANT EXECUTE ON FUNCTION
    public.check_and_reserve_budget(numeric, text, jsonb),
    public.settle_budget(uuid, numeric),
    public.cancel_budget(uuid)
TO moose_budget_client;

COMMIT;
\echo the role moose_budget_client is ready in :DBNAME
