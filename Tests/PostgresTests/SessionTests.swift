import Testing

@testable import Postgres

/// What every session relies on, against a role and a database whose defaults are as bad as they can be.
@Suite(.timeLimit(.minutes(2))) struct `A session` {
    /// The worst of each setting that a role or a database may have, with what a session of ours has instead.
    static let worst: [(name: String, bad: String, ours: String)] = [
        ("synchronous_commit", "off", "on"), ("default_transaction_isolation", "serializable", "read committed"),
        ("default_transaction_read_only", "on", "off"), ("default_transaction_deferrable", "on", "off"),
        ("statement_timeout", "1ms", "10s"), ("lock_timeout", "1ms", "5s"), ("idle_session_timeout", "1ms", "0"),
        ("idle_in_transaction_session_timeout", "1ms", "10s"), ("search_path", "public", "pg_catalog, pg_temp"),
        ("row_security", "on", "off"), ("TimeZone", "Asia/Kathmandu", "UTC"), ("DateStyle", "SQL, DMY", "ISO, MDY"),
        ("IntervalStyle", "iso_8601", "postgres"), ("bytea_output", "escape", "hex"),
        ("extra_float_digits", "-15", "1"),
        ("timezone_abbreviations", "India", "Default"), ("standard_conforming_strings", "off", "on"),
        ("backslash_quote", "off", "safe_encoding"), ("quote_all_identifiers", "on", "off"),
        ("array_nulls", "off", "on"),
        ("transform_null_equals", "on", "off"), ("xmlbinary", "hex", "base64"), ("xmloption", "document", "content"),
        ("gin_fuzzy_search_limit", "1", "0"),
        ("check_function_bodies", "off", "on"), ("jit", "on", "off"),
        ("plan_cache_mode", "force_custom_plan", "auto"), ("exit_on_error", "on", "off"),
        ("tcp_user_timeout", "1ms", "0"), ("client_min_messages", "debug5", "notice"),
        ("log_parameter_max_length_on_error", "-1", "0"), ("debug_print_plan", "on", "off"),
        ("work_mem", "64kB", "4MB"), ("client_encoding", "LATIN1", "UTF8"), ("enable_indexscan", "off", "on"),
        ("enable_bitmapscan", "off", "on"), ("enable_nestloop", "off", "on"), ("enable_hashjoin", "off", "on"),
        ("seq_page_cost", "0", "1"), ("random_page_cost", "1000000", "4"), ("join_collapse_limit", "1", "8"),
        ("jit_above_cost", "0", "100000"), ("parallel_setup_cost", "0", "1000"),
        ("plpgsql.extra_errors", "all", ""), ("moose.who", "nobody", ""), ("moose.pruning", "on", ""),
        ("moose.gates_moved", "+x", ""),
    ]

    /// A role with the worst of everything in a database with the worst of everything, and a URL that logs in as it.
    static func withWorst(
        superuserOnly: [String: String] = [:], _ body: (_ url: String, _ admin: PostgresClient) async throws -> Void
    ) async throws {
        let role = "moose_test_\(UInt64.random(in: 1 ... .max))"
        try await Server.withDatabase { url in
            try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 1) { admin in
                let row = try #require(await admin.run("SELECT current_database()::text").first)
                let database = try row.decode(0, as: String.self)
                try await admin.runSimple("CREATE ROLE \(role) LOGIN PASSWORD 'w0rst'")
                do {
                    let all = worst.map { ($0.name, $0.bad) } + superuserOnly.map { ($0.key, $0.value) }
                    for (name, value) in all {
                        for place in ["ROLE \(role)", "DATABASE \(database)", "ROLE \(role) IN DATABASE \(database)"] {
                            try await admin.runSimple("ALTER \(place) SET \(name) TO '\(value)'")
                        }
                    }
                    try await body(url + "&user=\(role)&password=w0rst", admin)
                    try await admin.runSimple("DROP ROLE \(role)")
                } catch {
                    try await admin.runSimple("DROP ROLE \(role)")
                    throw error
                }
            }
        }
    }

    private static func mistakes(_ setting: (String) async throws -> String?) async throws -> [String] {
        var mistakes: [String] = []
        for (name, _, ours) in worst {
            let seen = try await setting(name)
            if seen != ours { mistakes.append("\(name) is \(seen ?? "unknown")") }
        }
        return mistakes
    }

    @Test func `has what Moose relies on, whatever role and database say`() async throws {
        try await Self.withWorst { url, _ in
            try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 1) { client in
                try await client.connect()
                let found = try await Self.mistakes { name in
                    try await client.run("SELECT current_setting(\(name), true)").first?.decode(0, as: String?.self)
                }
                #expect(found.isEmpty, "\(found.joined(separator: "; "))")
            }
        }
    }

    @Test func `falls back to the same when somebody resets everything`() async throws {
        try await Self.withWorst { url, _ in
            try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 1) { client in
                try await client.runSimple("RESET ALL")
                let path = try await client.run("SELECT current_setting('search_path')").first
                #expect(try path?.decode(0, as: String.self) == "pg_catalog, pg_temp")
            }
        }
    }

    @Test func `keeps what is stronger than on`() async throws {
        try await Server.withDatabase { url in
            try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 1) { admin in
                let row = try #require(await admin.run("SELECT current_database()::text").first)
                let name = try row.decode(0, as: String.self)
                for (theirs, ours) in [("remote_apply", "remote_apply"), ("remote_write", "on"), ("local", "on")] {
                    try await admin.runSimple("ALTER DATABASE \(name) SET synchronous_commit TO \(theirs)")
                    try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 1) { client in
                        let seen = try await client.run("SELECT current_setting('synchronous_commit')").first
                        #expect(try seen?.decode(0, as: String.self) == ours, "\(theirs)")
                    }
                }
            }
        }
    }

    @Test func `that listens lives although idle sessions are ended at once`() async throws {
        try await Self.withWorst { url, admin in
            try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 1) { client in
                var events = client.notifications(on: "worst").makeAsyncIterator()
                #expect(await events.next()?.kind == .listening)
                // Longer than any of its time-outs.
                _ = try await admin.run("SELECT pg_sleep(0.2)")
                _ = try await admin.run("SELECT pg_notify('worst', 'heard')")
                #expect(await events.next()?.kind == .notification(payload: "heard"))
            }
        }
    }

    @Test func `is refused where triggers are switched off for it`() async throws {
        try await Self.withWorst(superuserOnly: ["session_replication_role": "replica"]) { url, _ in
            _ = try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 1) { client in
                await #expect {
                    try await client.connect()
                } throws: { error in
                    "\(error)".contains("session_replication_role is replica")
                }
            }
        }
    }

    @Test(arguments: ["LATIN1", "SQL_ASCII"])
    func `is refused in a database that doesn't hold UTF-8, at once`(encoding: String) async throws {
        let name = "moose_test_\(UInt64.random(in: 1 ... .max))"
        try await Server.withClient(maxConnections: 1) { admin in
            try await admin.runSimple(
                "CREATE DATABASE \(name) ENCODING '\(encoding)' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
            let clock = ContinuousClock.now
            let url = Server.url(with: "dbname=\(name)")
            await #expect {
                try await Server.withClient(PostgresConfiguration(url: url)) { client in
                    _ = try await client.run("SELECT 1")
                }
            } throws: { error in
                guard case .unsuitable(let reason, _) = error as? PostgresError else { return false }
                return reason.contains("encoding is \(encoding)")
            }
            #expect(ContinuousClock.now - clock < .seconds(8), "nobody waits for what stays so")
            try await admin.runSimple("DROP DATABASE \(name) WITH (FORCE)")
        }
    }

    @Test func `runs nothing that somebody else put into its path`() async throws {
        try await Server.withDatabase { url in
            try await Server.withClient(PostgresConfiguration(url: url), maxConnections: 1) { client in
                // A better match than the server's own numeric / numeric: along the usual path it would be taken.
                try await client.runSimple(
                    """
                    CREATE FUNCTION public.trap(bigint, numeric) RETURNS numeric LANGUAGE plpgsql
                        AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
                    CREATE OPERATOR public./ (LEFTARG = bigint, RIGHTARG = numeric, FUNCTION = public.trap)
                    """)
                let half = try await client.run("SELECT (1::bigint / 2.0)::text").first
                #expect(try half?.decode(0, as: String.self).hasPrefix("0.5") == true)
            }
        }
    }
}
