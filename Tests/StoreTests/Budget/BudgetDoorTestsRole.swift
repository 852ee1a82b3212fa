import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing

extension BudgetDoorTests {
    @Test func `the role may run the three functions and nothing else`() async throws {
        try await BudgetDoor.open { door in
            for sql in [
                "SELECT * FROM moose.budget_buckets", "SELECT * FROM moose.budget_holds",
                "SELECT * FROM moose.work_orders",
                "UPDATE moose.budget_policies SET kill_u = 1e15", "DELETE FROM moose.cost_tracking",
                "SELECT moose.reserve_batch(NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
                "SELECT moose.close_reservation(NULL, 'settle', 0)",
                "SELECT moose.raise_budget('org', 'org', 'day', 1, now(), '', '')",
                "CREATE TABLE public.mine (id integer)", "CREATE SCHEMA mine", "CREATE ROLE mine",
                "SELECT * FROM pg_authid",
            ] {
                let error = try await door.error("\(unescaped: sql)")
                #expect(error.sqlState == "42501", "\(sql)")
            }
        }
    }

    /// What the catalogue says, so that a function or table added later can't slip through.
    @Test func `no right of the role reaches further than the door`() async throws {
        try await BudgetDoor.open { door in
            let ours = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_%'"
            let functions = try await door.desk.value(
                """
                SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc p
                JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE \(unescaped: ours) AND has_schema_privilege('moose_budget_client', n.oid, 'USAGE')
                AND has_function_privilege('moose_budget_client', p.oid, 'EXECUTE')
                """, as: String.self)
            #expect(functions == "cancel_budget check_and_reserve_budget settle_budget")
            #expect(
                try await door.desk.count(
                    """
                    pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE \(ours) AND c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S')
                    AND has_schema_privilege('moose_budget_client', n.oid, 'USAGE')
                    """) == 0)
            #expect(
                try await door.desk.count(
                    """
                    pg_roles r WHERE r.rolname = 'moose_budget_client' AND r.rolconnlimit = 50 AND NOT r.rolsuper
                    AND NOT r.rolinherit AND NOT r.rolcreaterole AND NOT r.rolcreatedb AND NOT r.rolbypassrls
                    AND NOT EXISTS (SELECT 1 FROM pg_auth_members m WHERE m.member = r.oid)
                    """) == 1)
        }
    }

    @Test func `the three functions are closed to those who were not let in`() async throws {
        try await BudgetDoor.open { door in
            // Undone with the transaction: roles belong to the whole server.
            let error = await #expect(throws: PostgresError.self) {
                try await door.desk.store.postgres.withTransaction { transaction in
                    try await transaction.runSimple(
                        "CREATE ROLE moose_test_stranger; SET LOCAL ROLE moose_test_stranger")
                    _ = try await transaction.run("SELECT * FROM public.check_and_reserve_budget(1, 'svc')")
                }
            }
            #expect(error?.sqlState == "42501")
        }
    }

    @Test func `a caller that falls silent in a transaction is cut and the money is free again`() async throws {
        try await BudgetDoor.open { door in
            let folder = try await BudgetDoor.run("mktemp -d", [:]).output.dropLast()
            async let silent = BudgetDoor.run(
                """
                { echo "SHOW idle_in_transaction_session_timeout; SHOW lock_timeout; SHOW statement_timeout;"
                  echo "BEGIN; SELECT can_proceed FROM check_and_reserve_budget(60, 'silent');"
                  while [ ! -e \(folder)/go ]; do sleep 0.05; done
                  echo "SELECT 'still there';"
                } | psql -XAtq -v ON_ERROR_STOP=1 -v VERBOSITY=verbose
                """, door.environment)
            try await eventually("the silent caller has its reservation") {
                try await door.desk.count(
                    "pg_stat_activity WHERE usename = 'moose_budget_client' AND state = 'idle in transaction'") == 1
            }
            // It waits for the silent one's locks; both together would pass the cap.
            let next = try await door.reserve("60")
            #expect(next == BudgetDoor.Answer(canProceed: true, total: "0", id: next.id))
            _ = try await BudgetDoor.run("touch \(folder)/go", [:])
            let (status, output, error) = try await silent
            _ = try await BudgetDoor.run("rm -r \(folder)", [:])
            #expect(status != 0)
            #expect(output == "5s\n8s\n10s\nt\n", "it was granted, and never got further")
            #expect(error.contains("25P03"), "\(error)")
            #expect(try await door.desk.count("moose.budget_holds") == 1, "its reservation is undone")
        }
    }
}
