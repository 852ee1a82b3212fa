extension Migrator {
    /// What holds for everything in the schema, whichever migration made it: it belongs to its owner, and it means the
    /// same under every `search_path`.
    ///
    /// PostgreSQL lets everybody execute a new function. And it looks up each operator in a function's text anew, along
    /// the path of whoever calls: somebody who may create in a schema of that path would have their own run with the
    /// caller's rights. A function with a parsed body (`RETURN …`) is bound already, and needs no path.
    static let seal: String = """
        REVOKE ALL ON SCHEMA moose FROM PUBLIC;
        REVOKE ALL ON ALL TABLES IN SCHEMA moose FROM PUBLIC;
        REVOKE ALL ON ALL SEQUENCES IN SCHEMA moose FROM PUBLIC;
        REVOKE ALL ON ALL ROUTINES IN SCHEMA moose FROM PUBLIC;
        DO $seal$
        DECLARE
            v_name text;
        BEGIN
            FOR v_name IN
                SELECT p.oid::pg_catalog.regprocedure FROM pg_catalog.pg_proc p
                JOIN pg_catalog.pg_language l ON l.oid = p.prolang
                WHERE p.pronamespace = 'moose'::pg_catalog.regnamespace AND l.lanname IN ('sql', 'plpgsql')
                  AND p.prosqlbody IS NULL AND p.prokind <> 'a'
                  AND NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)
            LOOP
                EXECUTE format('ALTER ROUTINE %s SET search_path = pg_catalog, pg_temp', v_name);
            END LOOP;
            -- Whoever may use a type can have a column of it, and so keep its table from being changed.
            FOR v_name IN
                SELECT t.oid::pg_catalog.regtype FROM pg_catalog.pg_type t
                WHERE t.typnamespace = 'moose'::pg_catalog.regnamespace AND t.typtype IN ('c', 'd', 'e', 'r')
            LOOP
                EXECUTE format('REVOKE ALL ON TYPE %s FROM PUBLIC', v_name);
            END LOOP;
        END $seal$
        """

    /// Does so to a schema that was changed by hand.
    package func seal() async throws(PostgresError) { try await client.runSimple(Migrator.seal) }
}
