import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// Serialized: the role belongs to the whole server, and two can't make it at once.
@Suite(.serialized) struct EnqueueTests {
    @Test func `an order is there when its transaction has committed, and never when that was rolled back`()
        async throws
    {
        try await EnqueueDoor.open { door in
            struct Undone: Error {}
            await #expect(throws: Undone.self) {
                try await door.client.withTransaction { transaction in
                    _ = try await transaction.run("SELECT public.enqueue_work_order('work')")
                    throw Undone()
                }
            }
            try await door.client.withTransaction { transaction in
                _ = try await transaction.run("SELECT public.enqueue_work_order('work', title => 'kept')")
                #expect(try await door.bodies().isEmpty, "nobody sees it before")
            }
            let bodies = try await door.bodies()
            #expect(bodies.count == 1 && bodies[0].lane == "default")
            #expect(
                String(decoding: bodies[0].body, as: UTF8.self)
                    == #"{"id": "\#(bodies[0].id.uuidString.lowercased())", "kind": "work", "lane": "default", "#
                    + #""title": "kept"}"#)
            #expect(try await door.desk.count("moose.outbox WHERE app_id = 'moose_enqueue_client'") == 1)
        }
    }

    @Test func `the same id with the same content is one order, before and after it was published`() async throws {
        try await EnqueueDoor.open { door in
            let id = UUID.timeOrdered()
            let same = "'work', '{\"n\": 1}', id => '\(id)'"
            for _ in 1...2 { #expect(try await door.enqueue(same) == id) }
            let other = try await door.error("SELECT public.enqueue_work_order('work', '{\"n\": 2}', id => '\(id)')")
            #expect(other.sqlState == "MS006" && other.hint != nil)
            // Published and claimed.
            let bodies = try await door.bodies()
            #expect(bodies.count == 1)
            let form = try WorkOrderMessage.decode(bodies[0].body, messageID: "\(id)", lane: "default")
            let token = try await door.desk.start(ClaimItem(form: form, body: bodies[0].body))
            try await door.desk.run("DELETE FROM moose.outbox")
            #expect(try await door.enqueue(same) == id)
            #expect(try await door.bodies().isEmpty, "it runs already")
            #expect(
                try await door.error("SELECT public.enqueue_work_order('work', '{\"n\": 2}', id => '\(id)')").sqlState
                    == "MS006")
            try await door.desk.end(id, token)
        }
    }

    @Test func `many callers with one id write one order`() async throws {
        try await EnqueueDoor.open { door in
            let id = UUID.timeOrdered()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { try await door.enqueue("'work', id => '\(id)'") } }
                try await group.waitForAll()
            }
            #expect(try await door.bodies().count == 1)
        }
    }

    /// Arguments, and what the refusal names.
    private static let refused = [
        ("NULL", "kind"), ("'Bad'", "kind"), ("''", "kind"), ("repeat('k', 101)", "kind"),
        ("'work', title => ''", "title"),
        ("'work', title => repeat('x', 501)", "title"), ("'work', lane => 'A'", "lane"),
        ("'work', lane => repeat('l', 64)", "lane"), ("'work', lane => 'a.b'", "lane"),
        ("'work', lane => E'a\\n'", "lane"),
        ("'work', project => ''", "project"), ("'work', agent => repeat('x', 201)", "agent"),
        ("'work', estimated_cost_usd => -0.01", "estimated_cost_usd"),
        ("'work', estimated_cost_usd => 'NaN'", "estimated_cost_usd"),
        ("'work', estimated_cost_usd => 'Infinity'", "estimated_cost_usd"),
        ("'work', estimated_cost_usd => 1000000000.0000001", "estimated_cost_usd"),
        ("'work', max_attempts => 0", "max_attempts"), ("'work', max_attempts => 101", "max_attempts"),
        ("'work', timeout_seconds => 604801", "timeout_seconds"), ("'work', timeout_seconds => -1", "timeout_seconds"),
        ("'work', run_at => 'infinity'", "run_at"), ("'work', run_at => '10000-01-01'", "run_at"),
        ("'work', run_at => '0044-03-15 BC'", "run_at"), ("'work', depends_on => '{NULL}'", "depends_on"),
        ("'work', depends_on => (SELECT array_agg(gen_random_uuid()) FROM generate_series(1, 1001))", "depends_on"),
        (
            "'work', id => '0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e', depends_on => '{0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e}'",
            "depends_on names the order itself"
        ),
        ("'work', complexity => 1.01", "complexity"), ("'work', complexity => 'NaN'", "complexity"),
        ("'work', risk_level => 'huge'", "risk_level"),
        ("'work', acceptance_criteria => '{a,NULL}'", "acceptance_criteria"),
        ("'work', files_in_scope => '{{a},{b}}'", "files_in_scope"), ("'work', metadata => '[]'", "metadata"),
        ("'work', concurrency_key => ''", "concurrency_key"), ("'work', unique_key => E'a\\nb'", "unique_key"),
        ("'work', concurrency_key => E'a\\u0085b'", "concurrency_key"),
        ("'work', unique_key => E'\\u009F'", "unique_key"), ("'work', unique_key => E'\\u007F'", "unique_key"),
        ("'work', concurrency_key => E'\\x01'", "concurrency_key"),
        ("'work', unique_key => repeat('k', 201)", "unique_key"), ("'work', unique_seconds => 0", "unique_seconds"),
        ("'work', fields => '{\"unique_key\": \"k\"}'", "unique_key"),
        ("'work', fields => '[]'", "fields"), ("'work', fields => '{\"run_at\": \"soon\"}'", "run_at"),
        ("'work', fields => '{\"id\": 1}'", "id"), ("'work', app_id => ''", "app_id"),
        ("'work', reply_to => repeat('q', 256)", "reply_to"), ("'work', to_jsonb(repeat('x', 1048576))", "1048576"),
        ("'work', (repeat('[', 512) || repeat(']', 512))::jsonb", "512"),
    ]

    @Test func `what a worker would refuse is refused here, by name and with a hint`() async throws {
        try await EnqueueDoor.open { door in
            for (arguments, name) in Self.refused {
                let error = try await door.error("SELECT public.enqueue_work_order(\(arguments))")
                #expect(error.sqlState == "22023", "\(arguments): \(error)")
                #expect(error.message.contains(name), "\(arguments): \(error.message)")
                #expect(error.hint != nil)
            }
            #expect(try await door.bodies().isEmpty)
        }
    }

    @Test func `whatever is enqueued, the worker's decoder and the schema take it`() async throws {
        try await EnqueueDoor.open { door in
            var generator = SplitMix64.seeded()
            func pick(_ choices: String...) -> String { choices.randomElement(using: &generator) ?? "NULL" }
            for _ in 0..<150 {
                let arguments = [
                    "'k.1_-'",
                    "payload => "
                        + pick(
                            "NULL", "'null'", "'[[], {}, 1e30, \"\\u00e9\\\\ \\\"\"]'",
                            "'{\"a\": {\"b\": [true, null, -0.0]}}'",
                            "(repeat('[', 511) || repeat(']', 511))::jsonb", "to_jsonb(E'\\u0001\\n\"'::text)"),
                    "title => " + pick("NULL", "repeat('é', 500)", "E'a\\nb'", "'\"'"),
                    "lane => " + pick("NULL", "'default'", "repeat('l', 63)"),
                    "project => " + pick("NULL", "repeat('😀', 200)"), "agent => " + pick("NULL", "'x'"),
                    "estimated_cost_usd => "
                        + pick("NULL", "0", "1e-20", "1000000000", "999999999.9999999", "1e9", "0.05"),
                    "max_attempts => " + pick("NULL", "1", "100"),
                    "timeout_seconds => " + pick("NULL", "1", "604800"),
                    "run_at => " + pick("NULL", "'9999-12-31T23:59:59.999999Z'", "'0001-01-01T00:00:00Z'", "now()"),
                    "depends_on => " + pick("NULL", "'{}'", "ARRAY[gen_random_uuid(), gen_random_uuid()]"),
                    "concurrency_key => " + pick("NULL", "repeat(E'\\u00A0', 200)", "E' \\u2028~'"),
                    "complexity => " + pick("NULL", "0", "1", "0.123456789"),
                    "risk_level => " + pick("NULL", "'low'", "'critical'"),
                    "acceptance_criteria => " + pick("NULL", "'{}'", "'{a,\"\"}'"),
                    "metadata => " + pick("NULL", "'{}'", "'{\"a\": null}'"),
                    "fields => " + pick("NULL", "'{}'", "'{\"x\": {\"y\": 1}}'"),
                ]
                try await door.enqueue(arguments.joined(separator: ", "))
            }
            let schema = try JSONSchema(JSONValue(Repository.text("docs/schemas/work-order.v1.schema.json")))
            let bodies = try await door.bodies()
            #expect(bodies.count == 150)
            for (id, lane, body) in bodies {
                let text = String(decoding: body, as: UTF8.self)
                #expect(throws: Never.self, "\(text)") {
                    _ = try WorkOrderMessage.decode(body, messageID: id.uuidString.lowercased(), lane: lane)
                }
                // The schema's reader is a simple one and goes less deep.
                if !text.contains(String(repeating: "[", count: 500)) {
                    #expect(try schema.accepts(JSONValue(text)), "\(text)")
                }
            }
        }
    }

    @Test func `the role may enqueue and nothing else`() async throws {
        try await EnqueueDoor.open { door in
            for sql in [
                "SELECT * FROM moose.outbox", "SELECT * FROM moose.work_orders", "DELETE FROM moose.outbox",
                "INSERT INTO moose.schedules (name) VALUES ('a')",
                "SELECT moose.put_order(gen_random_uuid(), '{\"kind\": \"k\", \"title\": \"t\"}', NULL, NULL, NULL, NULL)",
                "SELECT moose.lease_messages(gen_random_uuid(), 1, '{}')",
                "SELECT moose.raise_budget('org', 'org', 'day', 1, now(), '', '')",
                "SELECT * FROM public.check_and_reserve_budget(1, 'svc')", "CREATE TABLE public.mine (id integer)",
                "CREATE TABLE moose.mine (id integer)", "SELECT * FROM pg_authid",
            ] {
                #expect(try await door.error(sql).sqlState == "42501", "\(sql)")
            }
            // What the catalogue says, so that a table or function added later can't slip through.
            #expect(
                try await door.desk.count(
                    """
                    pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = 'moose' AND c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S')
                    AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('\(EnqueueDoor.role)', c.oid, 'USAGE')
                             ELSE has_table_privilege('\(EnqueueDoor.role)', c.oid, 'SELECT, INSERT, UPDATE, DELETE') END
                    """) == 0)
            let doors = try await door.desk.value(
                """
                SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc p
                JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE p.prosecdef AND p.prorettype <> 'trigger'::regtype
                AND has_schema_privilege('moose_enqueue_client', n.oid, 'USAGE')
                AND has_function_privilege('moose_enqueue_client', p.oid, 'EXECUTE')
                """, as: String.self)
            #expect(
                doors == "enqueue_work_order", "all other functions run with the rights of the role, which are none")
        }
    }

    @Test func `a role that sees the schema may not enqueue for that alone`() async throws {
        try await EnqueueDoor.open { door in
            let error = await #expect(throws: PostgresError.self) {
                try await door.desk.store.postgres.withTransaction { transaction in
                    try await transaction.runSimple(
                        """
                        CREATE ROLE moose_test_reader; GRANT USAGE ON SCHEMA moose TO moose_test_reader;
                        SET LOCAL ROLE moose_test_reader
                        """)
                    _ = try await transaction.run("SELECT moose.enqueue('work')")
                }
            }
            #expect(error?.sqlState == "42501")
        }
    }

    @Test func `the page's examples run as they stand there`() async throws {
        try await EnqueueDoor.open { door in
            let page = try String(
                contentsOf: URL(filePath: "\(BudgetDoor.repository)/docs/enqueue-from-sql.md"), encoding: .utf8)
            let folder = String(try await BudgetDoor.run("mktemp -d", [:]).output.dropLast())
            // The page works in the clone; here nothing may be left behind in it.
            _ = try await BudgetDoor.run(
                "ln -s '\(BudgetDoor.repository)/docs' '\(BudgetDoor.repository)/deploy' \(folder)", [:])
            var environment = door.environment
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
            let shell = BudgetDoorTests.blocks("sh", of: page)
            #expect(shell.count == 4)
            let session = try await BudgetDoor.run(shell.joined(separator: "\n"), environment, in: folder)
            #expect(session.status == 0, "\(session.error)")
            let python = BudgetDoorTests.blocks("python", of: page)
            #expect(python.count == 1)
            environment["PYTHONPATH"] = "docs/examples"
            environment["PROGRAM"] = python.joined()
            let program = try await BudgetDoor.run("/usr/bin/python3 -c \"$PROGRAM\"", environment, in: folder)
            #expect(program.status == 0 && program.output.isEmpty, "\(program)")
            let refused = try await BudgetDoor.run(
                "docs/examples/enqueue_with_psycopg2.py LINT", environment, in: folder)
            #expect(refused.status == 2 && refused.error.contains("kind must match"), "\(refused)")
            environment["PGPASSWORD"] = "wrong"
            #expect(try await BudgetDoor.run("docs/examples/enqueue_with_psycopg2.py lint", environment).status == 3)
            _ = try await BudgetDoor.run("rm -r \(folder)", [:])
            #expect(try await door.bodies().count == 7)
            for (id, lane, body) in try await door.bodies() {
                _ = try WorkOrderMessage.decode(body, messageID: id.uuidString, lane: lane)
            }
        }
    }
}
