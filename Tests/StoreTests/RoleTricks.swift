import Postgres
import Store
import TestSupport
import Testing

/// What a role of deploy/postgres may do in Moose's database, by the catalogue, by docs/operations.md and by trying.
struct RoleTricks: Sendable {
    let role: String
    /// Logged in as the role.
    let client: PostgresClient
    let desk: StoreDesk

    /// The page, the catalogue and what happens agree.
    func check() async throws {
        #expect(try await runnable() == documented(), "docs/operations.md names what \(role) may run")
        #expect(try await rights() == [])
        try await checkEveryTable()
        try await checkEveryTrigger()
        try await checkEscapes()
    }

    /// The functions of the role's line in the table of docs/operations.md.
    private func documented() throws -> [String] {
        let page = try Repository.text("docs/operations.md")
        let line = try #require(page.split(separator: "\n").first { $0.hasPrefix("| `\(role)` |") })
        let names = line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) }.dropFirst().map { String($0.element) }
        return names.sorted()
    }

    /// Functions beyond the server's own that the role may execute and can name, or that run with another's rights.
    private func runnable() async throws -> [String] {
        try await names(
            """
            SELECT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
              AND has_function_privilege('\(role)', p.oid, 'EXECUTE')
            """)
    }

    /// Everything else it could hold: tables, columns, sequences, types, schemas, memberships.
    private func rights() async throws -> [String] {
        try await names(
            """
            SELECT 'relation ' || c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'moose'::regnamespace
              AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('\(role)', c.oid, 'SELECT, USAGE, UPDATE')
                  WHEN c.relkind IN ('r', 'v', 'm', 'p', 'f') THEN
                      has_table_privilege('\(role)', c.oid,
                          'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
                      OR has_any_column_privilege('\(role)', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') END
            UNION ALL
            SELECT 'type ' || t.oid::regtype FROM pg_type t
            WHERE t.typnamespace = 'moose'::regnamespace AND has_type_privilege('\(role)', t.oid, 'USAGE')
            UNION ALL
            SELECT 'create in ' || n.nspname FROM pg_namespace n
            WHERE has_schema_privilege('\(role)', n.oid, 'CREATE') AND n.nspname NOT LIKE 'pg_temp%'
            UNION ALL
            SELECT 'member of ' || m.roleid::regrole FROM pg_auth_members m WHERE m.member = '\(role)'::regrole
            UNION ALL
            SELECT 'setting ' || p.parname FROM pg_parameter_acl p
            WHERE has_parameter_privilege('\(role)', p.parname, 'SET, ALTER SYSTEM')
            """)
    }

    private func checkEveryTable() async throws {
        let tables = try await names(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'moose'::regnamespace "
                + "AND c.relkind IN ('r', 'v', 'p')")
        #expect(tables.count > 20)
        for table in tables {
            for sql in [
                "TABLE \(table)", "DO $$ BEGIN LOCK TABLE \(table) IN ACCESS SHARE MODE; END $$",
                "SELECT 1 FROM \(table) FOR UPDATE", "DELETE FROM \(table)", "CREATE TEMP TABLE taken OF \(table)",
                "CREATE TEMP TABLE taken (c \(table))", "CREATE TEMP TABLE taken (LIKE \(table))",
                "COMMENT ON TABLE \(table) IS 'taken'", "TRUNCATE \(table)",
                // Locks that the server gives, or waits for, before it asks for a right.
                "PREPARE taken AS DELETE FROM \(table)", "PREPARE taken AS SELECT 1 FROM \(table) FOR UPDATE",
                "CREATE TEMP VIEW taken AS SELECT 1 FROM \(table)",
                "CREATE STATISTICS pg_temp.taken ON state, id FROM \(table)",
                "CREATE RULE taken AS ON INSERT TO \(table) DO INSTEAD NOTHING",
                "CREATE TRIGGER taken AFTER INSERT ON \(table) EXECUTE FUNCTION tsvector_update_trigger()",
            ] {
                try await refuses(sql)
            }
        }
    }

    /// A trigger function with its owner's rights writes for whoever may attach it.
    private func checkEveryTrigger() async throws {
        let functions = try await names(
            "SELECT p.oid::regproc::text FROM pg_proc p WHERE p.pronamespace = 'moose'::regnamespace "
                + "AND p.prorettype = 'trigger'::regtype")
        #expect(functions.count > 5)
        for function in functions {
            try await refuses(
                """
                DO $$ BEGIN
                    CREATE TEMP TABLE mine (name text, cron text, time_zone text, template jsonb, paused_at timestamptz);
                    CREATE TRIGGER forged AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION \(function)('x');
                    INSERT INTO mine VALUES ('forged');
                END $$
                """)
        }
    }

    private func checkEscapes() async throws {
        let owner = try await desk.value(
            "SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = 'moose'", as: String.self)
        for sql in [
            "SET ROLE \(owner)", "SET session_replication_role = replica",
            "CREATE FUNCTION moose.mine() RETURNS int "
                + "LANGUAGE sql AS 'SELECT 1'", "CREATE TABLE moose.mine (n int)", "CREATE TABLE public.mine (n int)",
            "CREATE SCHEMA mine", "CREATE ROLE mine", "SELECT * FROM pg_authid", "DROP FUNCTION moose.enqueue",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '\(owner)'",
            "SELECT pg_read_file('PG_VERSION')", "COPY (SELECT 1) TO PROGRAM 'true'",
        ] {
            try await refuses(sql)
        }
    }

    private func refuses(_ sql: String) async throws {
        let error = await #expect(throws: PostgresError.self, "\(sql)") { try await client.run("\(unescaped: sql)") }
        // 42809, 55000: what a view or a table's type can't be used for by anybody.
        let isRefused = ["42501", "42809", "55000"].contains(error?.sqlState ?? "")
        #expect(isRefused, "\(sql): \(error.map { "\($0)" } ?? "done")")
    }

    private func names(_ sql: String) async throws -> [String] {
        var names: [String] = []
        for row in try await desk.store.postgres.run("\(unescaped: sql)").rows { names.append(try row.decode(0)) }
        return names.sorted()
    }

    /// Objects of the session's own that stand in front of the server's: what a door does must not go through them.
    static let shadows = """
        CREATE TEMP TABLE budget_holds (owner uuid); CREATE TEMP TABLE outbox (id uuid);
        CREATE DOMAIN pg_temp.uuid AS text CHECK (false);
        CREATE FUNCTION pg_temp.trap() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
        CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '-infinity'::timestamptz $$;
        CREATE FUNCTION pg_temp.same(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT false FROM pg_temp.trap() $$;
        CREATE FUNCTION pg_temp.over(bigint, numeric) RETURNS numeric LANGUAGE sql
            AS $$ SELECT 0::numeric FROM pg_temp.trap() $$;
        CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.same);
        CREATE OPERATOR pg_temp./ (LEFTARG = bigint, RIGHTARG = numeric, FUNCTION = pg_temp.over);
        SET search_path = pg_temp, public, pg_catalog;
        SET moose.who = 'forged'; SET moose.gates_moved = 'x'; SET moose.pruning = 'on';
        SET synchronous_commit = off; SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kathmandu';
        SET bytea_output = 'escape'; SET array_nulls = off; SET transform_null_equals = on; SET extra_float_digits = -15;
        SET IntervalStyle = iso_8601; SET idle_in_transaction_session_timeout = 0;
        """
}
