import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing

extension BudgetDoorTests {
    @Test func `the role may do what the page says, whatever it tries`() async throws {
        try await BudgetDoor.open { door in
            try await RoleTricks(role: BudgetDoor.role, client: door.client, desk: door.desk).check()
        }
    }

    @Test func `a session that shadows everything reserves and settles as any other`() async throws {
        try await BudgetDoor.open { door in
            try await door.client.withConnection(reusable: false) { session in
                try await session.runSimple(RoleTricks.shadows)
                let row = try #require(
                    await session.run(
                        """
                        SELECT reservation_id::pg_catalog.text, current_total::pg_catalog.text FROM
                        public.check_and_reserve_budget(1, 'svc', '{"idempotency_key": "k", "lives_seconds": 60}')
                        """
                    ).first)
                #expect(try row.decode(1, as: String.self) == "0")
                let id = try #require(UUID(uuidString: try row.decode(0, as: String.self)))
                #expect(try await door.day() == [1_000_000, 0])
                _ = try await session.run("SELECT public.settle_budget(\(id), 0.25)")
                #expect(try await door.day() == [0, 250_000])
            }
            #expect(try await door.desk.count("moose.audit_log WHERE who = 'forged'") == 0)
        }
    }

    @Test func `what the door confirms is on disk, and who falls silent is cut, whatever the session says`()
        async throws
    {
        try await BudgetDoor.open { door in
            for (their, ours) in [("0", "5s"), ("1min", "5s"), ("2s", "2s"), ("1ms", "1ms")] {
                try await door.client.withConnection(reusable: false) { session in
                    try await session.runSimple(
                        "SET synchronous_commit = off; SET idle_in_transaction_session_timeout = '\(their)'")
                    // One message: the last value cuts who idles for a millisecond.
                    try await session.runSimple(
                        """
                        BEGIN; SELECT * FROM public.check_and_reserve_budget(0, 'svc');
                        SELECT set_config('moose.seen', current_setting('synchronous_commit') || ' '
                            || current_setting('idle_in_transaction_session_timeout'), false); COMMIT
                        """)
                    let seen = try await session.run(
                        """
                        SELECT current_setting('moose.seen') || ' ' || current_setting('synchronous_commit')
                            || ' ' || current_setting('idle_in_transaction_session_timeout')
                        """
                    ).first?.decode(0, as: String.self)
                    #expect(seen == "on \(ours) off \(their)", "for the transaction, and no longer")
                }
            }
        }
    }

    /// A freeze that has answered holds for whoever asks afterwards, also out of a transaction that sees the past.
    @Test(arguments: ["REPEATABLE READ", "SERIALIZABLE"])
    func `no reservation passes a freeze that has answered`(isolation: String) async throws {
        try await BudgetDoor.open { door in
            for change in [
                "SELECT moose.freeze_budget('org', 'org', 'o', 'r')",
                "INSERT INTO moose.budget_policies (scope, name, period, kill_u) VALUES ('handler', 'svc', 'day', 0)",
                "UPDATE moose.budget_policies SET soft_u = 0, hard_u = 0, kill_u = 0 WHERE period = 'day'",
                "DELETE FROM moose.budget_exempt_agents",
            ] {
                try await door.client.withConnection(reusable: false) { session in
                    try await session.runSimple("BEGIN ISOLATION LEVEL \(isolation); SELECT 1")
                    _ = try await door.desk.store.postgres.run("\(unescaped: change)")
                    await #expect("\(change)") {
                        try await session.run("SELECT * FROM public.check_and_reserve_budget(1, 'svc')")
                    } throws: { error in
                        (error as? PostgresError)?.sqlState == "40001"
                    }
                }
                _ = try await door.desk.store.postgres.run("SELECT moose.unfreeze_budget('org', 'org', 'o', 'r')")
            }
        }
    }

    @Test(arguments: ["REPEATABLE READ", "SERIALIZABLE"])
    func `a reservation that a transaction can't see yet is a conflict, and none is none`(isolation: String)
        async throws
    {
        try await BudgetDoor.open { door in
            try await door.client.withConnection(reusable: false) { session in
                try await session.runSimple("BEGIN ISOLATION LEVEL \(isolation); SELECT 1")
                let id = try await door.reserved("1")
                await #expect {
                    try await session.run("SELECT * FROM public.settle_budget(\(id), 1)")
                } throws: { error in
                    (error as? PostgresError)?.sqlState == "40001"
                }
                try await session.runSimple("ROLLBACK; BEGIN ISOLATION LEVEL \(isolation)")
                await #expect {
                    try await session.run("SELECT * FROM public.settle_budget(\(UUID()), 1)")
                } throws: { error in
                    (error as? PostgresError)?.sqlState == "MS004"
                }
                try await session.runSimple("ROLLBACK; BEGIN ISOLATION LEVEL \(isolation)")
                _ = try await session.run("SELECT * FROM public.settle_budget(\(id), 1)")
                try await session.runSimple("COMMIT")
            }
            #expect(try await door.day() == [0, 1_000_000])
        }
    }

    /// Somebody who may create in a schema of the operator's path, which on older servers is everybody.
    @Test func `nothing that stands in public runs with the rights of who calls Moose's functions`() async throws {
        try await BudgetDoor.open { door in
            let postgres = door.desk.store.postgres
            try await postgres.runSimple("GRANT CREATE ON SCHEMA public TO \(BudgetDoor.role)")
            try await door.client.runSimple(
                """
                CREATE FUNCTION public.trap() RETURNS text LANGUAGE plpgsql
                    AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
                CREATE FUNCTION public.trap(bigint, numeric) RETURNS numeric LANGUAGE sql
                    AS $$ SELECT public.trap()::numeric $$;
                CREATE FUNCTION public.format(text, text, text, text) RETURNS text LANGUAGE sql AS $$ SELECT public.trap() $$;
                CREATE OPERATOR public./ (LEFTARG = bigint, RIGHTARG = numeric, FUNCTION = public.trap)
                """)
            try await postgres.withConnection(reusable: false) { person in
                try await person.runSimple("SET search_path = \"$user\", public")
                // That the trap works where nothing guards against it.
                await #expect {
                    try await person.run("SELECT 1::bigint / 2.0")
                } throws: { error in
                    "\(error)".contains("trapped as")
                }
                for sql in [
                    "SELECT moose.dollars(1500000)", "SELECT * FROM moose.budget_status()",
                    "SELECT * FROM moose.simulate_reservation(1, NULL, NULL, 'svc', NULL)",
                    "SELECT moose.raise_budget('org', 'org', 'day', 999000000, now() + interval '1 h', 'o', 'r')",
                    "SELECT moose.freeze_budget('org', 'org', 'o', 'r')",
                    "SELECT moose.unfreeze_budget('org', 'org', 'o', 'r')",
                    "SELECT * FROM moose.reconcile()",
                ] {
                    _ = try await person.run("\(unescaped: sql)")
                }
            }
        }
    }

    @Test func `every function of the schema means the same on every path, and none is for everybody`() async throws {
        try await StoreDesk.open { desk in
            let loose = try await desk.value(
                """
                SELECT coalesce(string_agg(p.oid::regprocedure::text, '; '), '') FROM pg_proc p
                JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE (n.nspname = 'moose' OR p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema'))
                  AND p.prosqlbody IS NULL
                  AND NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)
                """, as: String.self)
            #expect(loose == "", "no search_path of their own")
            let open = try await desk.value(
                """
                SELECT coalesce(string_agg(p.oid::regprocedure::text, '; '), '') FROM pg_proc p
                JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
                  AND has_function_privilege('public', p.oid, 'EXECUTE')
                """, as: String.self)
            #expect(open == "", "PostgreSQL gives a new function to everybody")
        }
    }
}
