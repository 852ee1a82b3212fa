-- Makes the role moose_enqueue_client: for services that enqueue work orders from SQL and may do nothing else in Moose's schema.
--
-- Run it with psql in Moose's database, as the role that ran `moose migrate` and may create roles. Running it again
-- resets the role to what stands here. It doesn't log the password, but other users of this machine can see a -v in the
-- process list: the variable of the environment is safer.
--
--   psql -v password=... -f deploy/postgres/enqueue-client.sql
--   MOOSE_ENQUEUE_CLIENT_PASSWORD=... psql -f deploy/postgres/enqueue-client.sql
--   psql -v connections=200 ...            sessions at once, over all services; default 50
--
-- Remove it, in every database it was made in:
--
--   DROP OWNED BY moose_enqueue_client;
--   DROP ROLE moose_enqueue_client;
--
-- PostgreSQL lets every role make temporary tables and connect to every database of the server. Where that matters:
-- REVOKE TEMPORARY ON DATABASE ... FROM PUBLIC; REVOKE CONNECT ON DATABASE ... FROM PUBLIC.
\set ON_ERROR_STOP on
\set QUIET on
\if :{?password}
\else
    \getenv password MOOSE_ENQUEUE_CLIENT_PASSWORD
\endif
\if :{?password}
\else
    DO $$ BEGIN
        RAISE EXCEPTION 'the role needs a password'
            USING HINT = 'Set MOOSE_ENQUEUE_CLIENT_PASSWORD, or give psql -v password=...';
    END $$;
\endif
\if :{?connections}
\else
    \set connections 50
\endif

BEGIN;

SELECT 'CREATE ROLE moose_enqueue_client'
WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'moose_enqueue_client') \gexec
ALTER ROLE moose_enqueue_client LOGIN NOINHERIT NOCREATEDB NOCREATEROLE PASSWORD :'password'
    CONNECTION LIMIT :connections;

-- An order is published when its transaction has committed. A caller that falls silent with a transaction open keeps no
-- other caller waiting, but old row versions from being cleaned up.
ALTER ROLE moose_enqueue_client SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE moose_enqueue_client SET lock_timeout = '5s';
ALTER ROLE moose_enqueue_client SET statement_timeout = '10s';

GRANT CONNECT ON DATABASE :"DBNAME" TO moose_enqueue_client;
-- The function runs with its owner's rights: the role has a right to no table, and can't even name one.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA moose FROM moose_enqueue_client;
REVOKE ALL ON SCHEMA moose FROM moose_enqueue_client;
GRANT EXECUTE ON FUNCTION public.enqueue_work_order TO moose_enqueue_client;

COMMIT;
\echo the role moose_enqueue_client is ready in :DBNAME
